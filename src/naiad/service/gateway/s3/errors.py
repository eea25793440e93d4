"""S3's errors: the one table from the service's errors to S3's codes, and their XML."""

from collections.abc import Mapping

from naiad.service.blobs import errors as blobs
from naiad.service.domain.errors import AccessDenied, Conflict, Invalid, NotFound, NotServed, ServiceError, StorageFull
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.xml import element, optional_element, to_xml


class S3Error(ServiceError):
    """An error that only S3 has a name for."""

    def __init__(self, code: str, status: int, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code, self.status, self.headers = code, status, dict(headers or {})


_CODES: tuple[tuple[type[ServiceError], str, int], ...] = (
    (blobs.NoSuchBucket, "NoSuchBucket", 404),
    (blobs.NoSuchKey, "NoSuchKey", 404),
    (blobs.NoSuchUpload, "NoSuchUpload", 404),
    (blobs.BucketExists, "BucketAlreadyOwnedByYou", 409),
    (blobs.BucketNotEmpty, "BucketNotEmpty", 409),
    (blobs.PreconditionFailed, "PreconditionFailed", 412),
    (blobs.BadDigest, "BadDigest", 400),
    (blobs.CustomerKeyMismatch, "InvalidRequest", 400),
    (blobs.InvalidPart, "InvalidPart", 400),
    (blobs.InvalidPartOrder, "InvalidPartOrder", 400),
    (blobs.EntityTooSmall, "EntityTooSmall", 400),
    (NotFound, "NoSuchKey", 404),
    (Conflict, "OperationAborted", 409),
    (AccessDenied, "AccessDenied", 403),
    (Invalid, "InvalidArgument", 400),
    (NotServed, "NotImplemented", 501),
    (StorageFull, "StorageFull", 507),
    (ServiceError, "InternalError", 500),
)
"""The first row that fits counts. Clients do not retry 507 as they retry 500: a full disk does not empty itself."""


def error_response(error: ServiceError, request: Request) -> Response:
    """Returns the error as S3's XML; without a body where the method or the status has none."""
    headers = {"content-type": "application/xml"}
    code, status = s3_error_code(error)
    if isinstance(error, S3Error):
        headers |= error.headers
    if request.method == "HEAD" or status == 304:
        return Response(status, headers)
    return Response(status, headers, _error_document(code, str(error), request))


def s3_error_code(error: ServiceError) -> tuple[str, int]:
    """Returns (S3's code, HTTP status)."""
    if isinstance(error, S3Error):
        return error.code, error.status
    return next((code, status) for kind, code, status in _CODES if isinstance(error, kind))


def malformed_xml(message: str) -> S3Error:
    return S3Error("MalformedXML", 400, message)


def no_such_version() -> S3Error:
    return S3Error("NoSuchVersion", 404, "objects have no versions here")


def entity_too_large(max_bytes: int) -> S3Error:
    return S3Error("EntityTooLarge", 400, f"the body is larger than the {max_bytes} bytes that this operation takes")


def invalid_argument(message: str) -> S3Error:
    return S3Error("InvalidArgument", 400, message)


def _error_document(code: str, message: str, request: Request) -> bytes:
    return to_xml(
        element(
            "Error",
            element("Code", code),
            element("Message", message),
            optional_element("Condition", _failed_condition(code, request)),
            element("Resource", request.path),
            element("RequestId", request.id),
        )
    )


def _failed_condition(code: str, request: Request) -> str | None:
    """Returns the condition of a write that did not hold: s3fs recognizes FileExistsError by it."""
    if code != "PreconditionFailed":
        return None
    return next((name for name in ("If-None-Match", "If-Match") if request.header(name.lower())), None)
