"""The one table from what the service refuses to AWS's codes and statuses."""

from naiad.service.domain.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    DoesNotFit,
    InUse,
    Invalid,
    NotFound,
    NotServed,
    ServiceError,
    StorageFull,
    Unavailable,
)
from naiad.service.gateway.refusal import Refused

_CODES: tuple[tuple[type[ServiceError], str, int], ...] = (
    (
        NotFound,
        "ValidationException",
        400,
    ),  # what SageMaker answers for a job that is not there, and what its SDKs test for
    (AlreadyExists, "ResourceInUse", 400),
    (InUse, "ResourceInUse", 400),
    (Conflict, "ConflictException", 409),
    (DoesNotFit, "ResourceLimitExceeded", 400),
    (Invalid, "ValidationException", 400),
    (Denied, "AccessDeniedException", 400),
    (NotServed, "UnknownOperationException", 400),
    (StorageFull, "InsufficientStorage", 507),
    (Unavailable, "ServiceUnavailable", 503),
    (ServiceError, "InternalFailure", 500),
)
_OF_SERVICE: dict[tuple[str, type[ServiceError]], tuple[str, int]] = {
    ("logs", NotFound): ("ResourceNotFoundException", 400),
    ("logs", Invalid): ("InvalidParameterException", 400),
    ("cloudwatch", NotFound): ("ResourceNotFoundException", 404),
    ("cloudwatch", Invalid): ("InvalidParameterValue", 400),
    ("iam", NotFound): ("NoSuchEntity", 404),
    ("sagemaker-runtime", NotFound): ("ValidationError", 400),
    ("sagemaker-runtime", Invalid): ("ValidationError", 400),
}
_REFUSALS = {
    # (JSON and rest-json, forms, S3), each with its status
    "missing": ("MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied"),
    "unknown key": ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"),
    "signature": ("InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"),
    "skewed": ("InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"),
    "expired": ("InvalidSignatureException", "RequestExpired", "AccessDenied"),
    "replayed": ("InvalidSignatureException", "RequestExpired", "AccessDenied"),
    "digest": ("InvalidSignatureException", "SignatureDoesNotMatch", "XAmzContentSHA256Mismatch"),
    "incomplete": ("InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteBody"),
    "too large": ("RequestEntityTooLarge", "RequestEntityTooLarge", "EntityTooLarge"),
    "idle": ("RequestTimeoutException", "RequestTimeout", "RequestTimeout"),
    "not allowed": ("AccessDeniedException", "AccessDenied", "AccessDenied"),
}
_STATUS = {"too large": 413, "digest": 400, "incomplete": 400, "idle": 400}


def code_of(service: str, error: ServiceError) -> tuple[str, int]:
    """(AWS's code, HTTP status)."""
    if isinstance(error, Refused):
        return _refusal(service, error)
    for kind in type(error).__mro__:
        if (service, kind) in _OF_SERVICE:
            return _OF_SERVICE[service, kind]
    return next((code, status) for kind, code, status in _CODES if isinstance(error, kind))


def _refusal(service: str, error: Refused) -> tuple[str, int]:
    column = {"s3": 2, "sts": 1, "iam": 1}.get(service, 0)
    status = _STATUS.get(error.kind, 400 if column == 0 and error.kind != "missing" else 403)
    return _REFUSALS[error.kind][column], status
