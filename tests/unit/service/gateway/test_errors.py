"""The table from the service's errors to AWS's codes."""

from typing import get_args

import pytest

from naiad.service.domain import errors
from naiad.service.domain.errors import ServiceError
from naiad.service.gateway.errors import aws_error_code
from naiad.service.gateway.rejection import RejectionKind, RequestRejected


def all_errors() -> list[type[ServiceError]]:
    kinds = [ServiceError]
    for kind in kinds:
        kinds += [one for one in kind.__subclasses__() if one.__module__ == errors.__name__]
    return kinds


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_code(kind):
    """Clients retry a 5xx: only an error of the server is one."""
    for service in ("sagemaker", "logs", "cloudwatch", "iam", "sts", "s3", "sagemaker-runtime"):
        code, status = aws_error_code(service, kind("what"))
        assert code
        assert (status >= 500) == (kind in (ServiceError, errors.IllegalMove, errors.Unavailable, errors.StorageFull))


@pytest.mark.parametrize("kind", get_args(RejectionKind))
def test_every_rejection_has_a_code_of_each_protocol(kind):
    for service in ("sagemaker", "logs", "sts", "iam", "s3"):
        code, status = aws_error_code(service, RequestRejected(kind, "what"))
        assert code
        assert 400 <= status < 500 or (kind, status) == ("busy", 503)


def test_codes_that_clients_test_for():
    assert aws_error_code("sagemaker", errors.NotFound("x")) == ("ValidationException", 400)
    assert aws_error_code("sagemaker", errors.AlreadyExists("x")) == ("ResourceInUse", 400)
    assert aws_error_code("logs", errors.NotFound("x")) == ("ResourceNotFoundException", 400)
    assert aws_error_code("iam", errors.NotFound("x")) == ("NoSuchEntity", 404)
    assert aws_error_code("s3", RequestRejected("unknown key", "x")) == ("InvalidAccessKeyId", 403)
    assert aws_error_code("s3", RequestRejected("skewed", "x")) == ("RequestTimeTooSkewed", 403)
    assert aws_error_code("sts", RequestRejected("signature", "x")) == ("SignatureDoesNotMatch", 403)
    assert aws_error_code("sagemaker", RequestRejected("signature", "x")) == ("InvalidSignatureException", 400)
    assert aws_error_code("sagemaker", RequestRejected("unsigned", "x")) == ("MissingAuthenticationTokenException", 403)


def test_an_unknown_kind_of_rejection():
    with pytest.raises(KeyError):
        aws_error_code("s3", RequestRejected("odd", "x"))
