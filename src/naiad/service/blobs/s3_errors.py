"""The errors of a real S3 store, translated to those of the port."""

import contextlib
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from naiad.service.blobs import errors
from naiad.service.domain.errors import AccessDenied, Invalid, ServiceError, Unavailable

_ERRORS_BY_CODE: dict[str, type[ServiceError]] = {
    "NoSuchBucket": errors.NoSuchBucket,
    "NoSuchKey": errors.NoSuchKey,
    "NoSuchUpload": errors.NoSuchUpload,
    "BucketAlreadyOwnedByYou": errors.BucketExists,
    "BucketAlreadyExists": errors.BucketExists,
    "BucketNotEmpty": errors.BucketNotEmpty,
    "PreconditionFailed": errors.PreconditionFailed,
    "ConditionalRequestConflict": errors.PreconditionFailed,
    "BadDigest": errors.BadDigest,
    "InvalidPart": errors.InvalidPart,
    "InvalidPartOrder": errors.InvalidPartOrder,
    "EntityTooSmall": errors.EntityTooSmall,
    "AccessDenied": AccessDenied,
    "InvalidArgument": Invalid,
    "InvalidRequest": Invalid,
}


@contextlib.contextmanager
def translate_s3_errors(
    bucket: str = "", key: str = "", *, missing: type[ServiceError] = errors.NoSuchBucket
) -> Iterator[None]:
    """Raises the port's errors in place of boto3's. ``missing``: the error for a 404 without a code, the answer to HEAD."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        error_type = missing if code == "404" else _ERRORS_BY_CODE.get(code, ServiceError)
        raise error_type(f"{bucket}/{key}: {error.response['Error'].get('Message', code)}") from error
    except BotoCoreError as error:
        raise Unavailable(f"the S3 store does not answer: {error}") from error
