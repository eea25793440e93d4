"""AWS's published models."""

import pytest

from naiad.service.gateway.operation import OPERATIONS
from naiad.service.gateway.operations import __name__ as _registered  # noqa: F401  # reason: fills the table
from naiad.service.gateway.spec import SCOPES, TARGETS, operation_model, service_model, wire_name


def test_every_operation_that_is_served_is_one_of_awss():
    assert [name for name in OPERATIONS if operation_model(*name) is None] == []


def test_every_service_of_the_tables_has_a_model():
    for service in (*TARGETS.values(), *SCOPES.values()):
        assert service_model(service).operation_names
    assert service_model("sagemaker").metadata["targetPrefix"] in TARGETS


@pytest.mark.parametrize("name", ["", "NoSuch", "__init__", "listtrainingjobs", "ListTrainingJobs "])
def test_what_is_no_operation(name):
    assert operation_model("sagemaker", name) is None


def test_names_on_the_wire():
    shape = operation_model("sagemaker", "ListTrainingJobs").input_shape
    assert wire_name(shape, "MaxResults") == "MaxResults"
