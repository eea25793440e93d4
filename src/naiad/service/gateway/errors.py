"""The one table from the service's errors to AWS's codes and HTTP statuses. S3 has its own in ``s3/errors.py``."""

from dataclasses import dataclass

from naiad.service.domain.errors import (
    AccessDenied,
    AlreadyExists,
    Conflict,
    InUse,
    Invalid,
    LimitExceeded,
    NotFound,
    NotServed,
    ResourceNotFound,
    ServiceError,
    StorageFull,
    Unavailable,
)
from naiad.service.gateway.rejection import RejectionKind, RequestRejected

_CODES: tuple[tuple[type[ServiceError], str, int], ...] = (
    (ResourceNotFound, "ResourceNotFound", 400),
    (NotFound, "ValidationException", 400),  # SageMaker's code for a job that is not there, which its SDKs test for
    (AlreadyExists, "ResourceInUse", 400),
    (InUse, "ResourceInUse", 400),
    (Conflict, "ConflictException", 409),
    (LimitExceeded, "ResourceLimitExceeded", 400),
    (Invalid, "ValidationException", 400),
    (AccessDenied, "AccessDeniedException", 400),
    (NotServed, "UnknownOperationException", 400),
    (StorageFull, "InsufficientStorage", 507),
    (Unavailable, "ServiceUnavailable", 503),
    (ServiceError, "InternalFailure", 500),
)
"""The first row that fits counts."""
_SERVICE_CODES: dict[tuple[str, type[ServiceError]], tuple[str, int]] = {
    ("logs", NotFound): ("ResourceNotFoundException", 400),
    ("logs", Invalid): ("InvalidParameterException", 400),
    ("cloudwatch", NotFound): ("ResourceNotFoundException", 404),
    ("cloudwatch", Invalid): ("InvalidParameterValue", 400),
    ("iam", NotFound): ("NoSuchEntity", 404),
    ("sagemaker-runtime", NotFound): ("ValidationError", 400),
    ("sagemaker-runtime", Invalid): ("ValidationError", 400),
    ("sagemaker-runtime", AccessDenied): ("AccessDeniedException", 403),
}
"""Services with codes of their own; they come before those above."""


@dataclass(frozen=True)
class _RejectionCodes:
    """Codes by protocol. The status is 403 for the query protocol and S3, 400 for JSON, unless one is given."""

    json: str
    query: str
    s3: str
    status: int | None = None
    json_status: int = 400


_REJECTION_CODES: dict[RejectionKind, _RejectionCodes] = {
    "unsigned": _RejectionCodes(
        "MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied", json_status=403
    ),
    "unknown key": _RejectionCodes("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"),
    "signature": _RejectionCodes("InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"),
    "skewed": _RejectionCodes("InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"),
    "expired": _RejectionCodes("InvalidSignatureException", "RequestExpired", "AccessDenied"),
    "expired token": _RejectionCodes("ExpiredTokenException", "ExpiredToken", "ExpiredToken", status=400),
    "replayed": _RejectionCodes("InvalidSignatureException", "RequestExpired", "AccessDenied"),
    "digest": _RejectionCodes(
        "InvalidSignatureException", "SignatureDoesNotMatch", "XAmzContentSHA256Mismatch", status=400
    ),
    "payload word": _RejectionCodes(
        "InvalidSignatureException", "SignatureDoesNotMatch", "InvalidArgument", status=400
    ),
    "incomplete": _RejectionCodes("InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteBody", status=400),
    "too large": _RejectionCodes("RequestEntityTooLarge", "RequestEntityTooLarge", "EntityTooLarge", status=413),
    "idle": _RejectionCodes("RequestTimeoutException", "RequestTimeout", "RequestTimeout", status=400),
    "busy": _RejectionCodes("ServiceUnavailable", "ServiceUnavailable", "SlowDown", status=503),
    "not allowed": _RejectionCodes("AccessDeniedException", "AccessDenied", "AccessDenied"),
}
_QUERY_SERVICES = ("sts", "iam")


def aws_error_code(service: str, error: ServiceError) -> tuple[str, int]:
    """Returns (AWS's code, HTTP status). ``service``: botocore's name."""
    if isinstance(error, RequestRejected):
        return _rejection_code(service, _REJECTION_CODES[error.kind])
    for kind in type(error).__mro__:
        if (service, kind) in _SERVICE_CODES:
            return _SERVICE_CODES[service, kind]
    return next((code, status) for kind, code, status in _CODES if isinstance(error, kind))


def _rejection_code(service: str, codes: _RejectionCodes) -> tuple[str, int]:
    if service == "s3":
        return codes.s3, codes.status or 403
    if service in _QUERY_SERVICES:
        return codes.query, codes.status or 403
    return codes.json, codes.status or codes.json_status
