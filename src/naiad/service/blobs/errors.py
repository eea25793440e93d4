"""What a store of blobs refuses, by S3's names."""

from naiad.service.domain.errors import AlreadyExists, Conflict, Invalid, NotFound


class NoSuchBucket(NotFound):
    pass


class NoSuchKey(NotFound):
    pass


class NoSuchUpload(NotFound):
    """Never started, completed, or aborted."""


class BucketExists(AlreadyExists):
    pass


class BucketNotEmpty(Conflict):
    pass


class PreconditionFailed(Conflict):
    """The object is not as the condition of a write has it."""


class BadDigest(Invalid):
    """The content does not have the checksum that was said."""


class InvalidPart(Invalid):
    """A part that was not put, or with another ETag."""


class InvalidPartOrder(Invalid):
    pass


class EntityTooSmall(Invalid):
    """A part below the least size, and not the last."""
