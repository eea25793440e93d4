import pytest

from naiad.service.blobs import errors as blobs
from naiad.service.domain.errors import Denied, Invalid, NotServed, ServiceError, StorageFull
from naiad.service.gateway.s3.errors import S3Error, answer


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (blobs.NoSuchBucket("x"), "NoSuchBucket", 404),
        (blobs.NoSuchUpload("x"), "NoSuchUpload", 404),
        (blobs.EntityTooSmall("x"), "EntityTooSmall", 400),
        (blobs.PreconditionFailed("x"), "PreconditionFailed", 412),
        (Denied("x"), "AccessDenied", 403),
        (Invalid("x"), "InvalidArgument", 400),
        (NotServed("x"), "NotImplemented", 501),
        (StorageFull("x"), "StorageFull", 507),
        (ServiceError("x"), "InternalError", 500),
        (S3Error("Own", 418, "x"), "Own", 418),
    ],
)
def test_codes(make_request, error, code, status):
    response = answer(error, make_request("GET", "/b/<k>"))
    assert response.status == status
    assert f"<Code>{code}</Code><Message>x</Message><Resource>/b/%3Ck%3E</Resource>".encode() in response.body


@pytest.mark.parametrize("condition", ["If-None-Match", "If-Match"])
def test_the_condition_that_failed_is_named(make_request, condition):
    request = make_request("PUT", "/b/k", headers={condition.lower(): "*"})
    assert f"<Condition>{condition}</Condition>".encode() in answer(blobs.PreconditionFailed("x"), request).body
    assert b"<Condition>" not in answer(Invalid("x"), request).body
