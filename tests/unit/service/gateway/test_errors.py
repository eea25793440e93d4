"""The one table from what is refused to AWS's codes."""

import pytest

from naiad.service.domain import errors
from naiad.service.domain.errors import ServiceError
from naiad.service.gateway.errors import code_of
from naiad.service.gateway.refusal import Refused

KINDS = (
    "missing",
    "unknown key",
    "signature",
    "skewed",
    "expired",
    "replayed",
    "digest",
    "too large",
    "idle",
    "not allowed",
)


def all_errors() -> list[type[ServiceError]]:
    found = [ServiceError]
    for kind in found:
        found += [one for one in kind.__subclasses__() if one.__module__ == errors.__name__]
    return found


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_code(kind):
    """And only what is our own fault is a 5xx that clients repeat."""
    for service in ("sagemaker", "logs", "cloudwatch", "iam", "sts", "s3", "sagemaker-runtime"):
        code, status = code_of(service, kind("what"))
        assert code
        assert (status >= 500) == (kind in (ServiceError, errors.IllegalMove, errors.Unavailable, errors.StorageFull))


@pytest.mark.parametrize("kind", KINDS)
def test_every_refusal_has_a_code_in_each_services_words(kind):
    for service in ("sagemaker", "logs", "sts", "iam", "s3"):
        code, status = code_of(service, Refused(kind, "what"))
        assert code
        assert 400 <= status < 500


def test_what_clients_test_for():
    assert code_of("sagemaker", errors.NotFound("x")) == ("ValidationException", 400)
    assert code_of("sagemaker", errors.AlreadyExists("x")) == ("ResourceInUse", 400)
    assert code_of("logs", errors.NotFound("x")) == ("ResourceNotFoundException", 400)
    assert code_of("iam", errors.NotFound("x")) == ("NoSuchEntity", 404)
    assert code_of("s3", Refused("unknown key", "x")) == ("InvalidAccessKeyId", 403)
    assert code_of("s3", Refused("skewed", "x")) == ("RequestTimeTooSkewed", 403)
    assert code_of("sts", Refused("signature", "x")) == ("SignatureDoesNotMatch", 403)
    assert code_of("sagemaker", Refused("signature", "x")) == ("InvalidSignatureException", 400)
    assert code_of("sagemaker", Refused("missing", "x")) == ("MissingAuthenticationTokenException", 403)


def test_a_kind_that_is_not_in_the_table():
    with pytest.raises(KeyError):
        code_of("s3", Refused("odd", "x"))
