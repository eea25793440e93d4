"""S3's errors."""

import pytest

from naiad.service.blobs import errors as blobs
from naiad.service.domain.errors import AccessDenied, Invalid, NotServed, ServiceError, StorageFull
from naiad.service.gateway.s3.errors import S3Error, error_response


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (blobs.NoSuchBucket("x"), "NoSuchBucket", 404),
        (blobs.NoSuchUpload("x"), "NoSuchUpload", 404),
        (blobs.EntityTooSmall("x"), "EntityTooSmall", 400),
        (blobs.PreconditionFailed("x"), "PreconditionFailed", 412),
        (AccessDenied("x"), "AccessDenied", 403),
        (Invalid("x"), "InvalidArgument", 400),
        (NotServed("x"), "NotImplemented", 501),
        (StorageFull("x"), "StorageFull", 507),
        (ServiceError("x"), "InternalError", 500),
        (S3Error("Own", 418, "x"), "Own", 418),
    ],
)
def test_codes(make_request, error, code, status):
    response = error_response(error, make_request("GET", "/b/<k>"))
    assert response.status == status
    assert f"<Code>{code}</Code><Message>x</Message><Resource>/b/%3Ck%3E</Resource>".encode() in response.body


@pytest.mark.parametrize("condition", ["If-None-Match", "If-Match"])
def test_a_failed_condition_is_named(make_request, condition):
    request = make_request("PUT", "/b/k", headers={condition.lower(): "*"})
    assert f"<Condition>{condition}</Condition>".encode() in error_response(blobs.PreconditionFailed("x"), request).body
    assert b"<Condition>" not in error_response(Invalid("x"), request).body
