"""The table of scopes: it has each operation once."""

from collections import Counter

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

import naiad.service.gateway.operations  # noqa: F401  # reason: registers the handlers
from naiad.service.domain.errors import AccessDenied
from naiad.service.domain.scope import ALL_SCOPES, Scope
from naiad.service.gateway.operation import OPERATIONS
from naiad.service.gateway.protocol.route import RUNTIME_OPERATIONS
from naiad.service.gateway.s3 import operations as s3_operations
from naiad.service.gateway.s3.permissions import SCOPE_OF_ACCESS, Access
from naiad.service.gateway.scopes import ANY_KEY, OPERATIONS_BY_SCOPE, check_scope, scope_of
from naiad.service.gateway.signing.authenticator import Principal

SERVED = {*OPERATIONS, *(("sagemaker-runtime", name) for name in RUNTIME_OPERATIONS.values())}
LISTED = [
    (service, name)
    for services in (ANY_KEY, *OPERATIONS_BY_SCOPE.values())
    for service, names in services.items()
    for name in names
]


def test_each_operation_has_exactly_one_scope():
    assert {pair: count for pair, count in Counter(LISTED).items() if count > 1} == {}
    assert set(LISTED) == SERVED, "give a new operation its scope in gateway/scopes.py"


def test_each_operation_of_s3_has_exactly_one_scope():
    assert set(SCOPE_OF_ACCESS) == set(Access)
    scopes: dict[str, set[Scope]] = {}
    for row in s3_operations._rows():
        scopes.setdefault(row.name, set()).add(SCOPE_OF_ACCESS[row.access])
    assert {name: found for name, found in scopes.items() if len(found) != 1} == {}
    assert {name: found.pop() for name, found in scopes.items()} == s3_operations.operation_scopes()


def test_an_operation_that_is_not_in_the_table_is_for_admin():
    assert scope_of("sagemaker", "CreateSomethingNew") is Scope.ADMIN


@pytest.mark.parametrize("service", ["sagemaker", "logs", "cloudwatch"])
def test_what_only_reads_needs_read_and_what_changes_does_not(service):
    """A name tells whether an operation changes something, so that a row in the wrong place is seen."""
    for name in ServiceModel(Loader().load_service_model(service, "service-2"), service).operation_names:
        if (service, name) in OPERATIONS:
            reads = name.startswith(("Describe", "List", "Get", "Filter", "Search"))
            assert (scope_of(service, name) is Scope.READ) == reads, name


def test_a_key_is_refused_in_words_that_name_its_scopes_and_the_one_that_is_needed():
    principal = Principal("AKIA", "ci", scopes=frozenset({Scope.INVOKE, Scope.READ}))
    check_scope(principal, "sagemaker", "ListTrainingJobs")
    check_scope(principal, "sts", "GetCallerIdentity")
    with pytest.raises(AccessDenied) as refused:
        check_scope(principal, "sagemaker", "CreateTrainingJob")
    assert str(refused.value) == "CreateTrainingJob needs the scope jobs; the key ci has read, invoke"


def test_a_key_for_admin_may_call_everything():
    principal = Principal("AKIA", "default", scopes=ALL_SCOPES)
    for service, name in SERVED:
        check_scope(principal, service, name)
