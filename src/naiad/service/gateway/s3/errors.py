"""What goes wrong at the S3 door, by S3's codes: the one table from the service's errors to them."""

from collections.abc import Mapping

from naiad.service.blobs import errors as blobs
from naiad.service.domain.errors import Conflict, Denied, Invalid, NotFound, NotServed, ServiceError, StorageFull
from naiad.service.gateway.request import Request, Response
from naiad.service.gateway.s3.xml import element, optional, to_xml


class S3Error(ServiceError):
    """A refusal that only this door has a name for."""

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
    (blobs.InvalidPart, "InvalidPart", 400),
    (blobs.InvalidPartOrder, "InvalidPartOrder", 400),
    (blobs.EntityTooSmall, "EntityTooSmall", 400),
    (NotFound, "NoSuchKey", 404),
    (Conflict, "OperationAborted", 409),
    (Denied, "AccessDenied", 403),
    (Invalid, "InvalidArgument", 400),
    (NotServed, "NotImplemented", 501),
    (StorageFull, "StorageFull", 507),
    (ServiceError, "InternalError", 500),
)
"""The first that fits. Clients do not repeat 507 as they do 500: a full disk does not empty itself."""


def answer(error: ServiceError, request: Request) -> Response:
    """The error as S3's XML; without a body where the method has none."""
    headers = {"content-type": "application/xml"}
    code, status = code_of(error)
    if isinstance(error, S3Error):
        headers |= error.headers
    if request.method == "HEAD" or status == 304:
        return Response(status, headers)
    return Response(status, headers, error_xml(code, str(error), request))


def code_of(error: ServiceError) -> tuple[str, int]:
    """(S3's code, HTTP status)."""
    if isinstance(error, S3Error):
        return error.code, error.status
    return next((code, status) for kind, code, status in _CODES if isinstance(error, kind))


def _condition(code: str, request: Request) -> str | None:
    """Which condition of a write did not hold; s3fs tells FileExistsError by it."""
    if code != "PreconditionFailed":
        return None
    return next((name for name in ("If-None-Match", "If-Match") if request.header(name.lower())), None)


def error_xml(code: str, message: str, request: Request) -> bytes:
    return to_xml(
        element(
            "Error",
            element("Code", code),
            element("Message", message),
            optional("Condition", _condition(code, request)),
            element("Resource", request.raw_path),
            element("RequestId", request.request_id),
        )
    )


def malformed(message: str) -> S3Error:
    return S3Error("MalformedXML", 400, message)


def no_such_version() -> S3Error:
    return S3Error("NoSuchVersion", 404, "objects have no versions here")


def too_large(most_bytes: int) -> S3Error:
    return S3Error("EntityTooLarge", 400, f"the body is larger than the {most_bytes} bytes that this operation takes")


def bad_argument(message: str) -> S3Error:
    return S3Error("InvalidArgument", 400, message)
