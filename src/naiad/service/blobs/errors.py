"""Errors of the blob store, under S3's names."""

from naiad.service.domain.errors import AlreadyExists, Conflict, Invalid, NotFound, ServiceError


class NoSuchBucket(NotFound):
    pass


class NoSuchKey(NotFound):
    pass


class NoSuchUpload(NotFound):
    """The upload was never started, or it is completed or aborted."""


class BucketExists(AlreadyExists):
    pass


class BucketNotEmpty(Conflict):
    pass


class PreconditionFailed(Conflict):
    """The condition of a conditional write is not met."""


class BadDigest(Invalid):
    """The content does not have the expected checksum."""


class DamagedObject(ServiceError):
    """The stored content or its record is not what was put: a bit has flipped, or the file was changed or cut."""


class CustomerKeyMismatch(Invalid):
    """The customer's key of an encrypted object is missing or wrong, or there is one for an object that is not encrypted."""


class InvalidPart(Invalid):
    """A part is missing, or has another ETag than the client says."""


class InvalidPartOrder(Invalid):
    pass


class EntityTooSmall(Invalid):
    """A part other than the last is below the minimum size."""
