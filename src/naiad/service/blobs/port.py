"""The port of the blobs: objects by bucket and key, with S3's meaning. One contract suite runs on every adapter.

Contract: a ``put`` that returned is on disk, whole, under its key; one that raised left what was there. Readers of an object
that is replaced meanwhile read the old one to its end. Keys are any text of 1 to 1,024 bytes in UTF-8: spaces, ``//``, ``..``
and both ``a`` and ``a/b`` are names like others. Threads and processes may use one store at once.

Every method that takes a bucket raises NoSuchBucket, every method that writes raises StorageFull, and Invalid for a key that
is none. The names of what else is raised are in ``blobs/errors.py``.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, Protocol

DEFAULT_CONTENT_TYPE = "binary/octet-stream"
MIN_PART_BYTES = 5 * 2**20
"""Of every part of an upload but the last."""
MAX_PARTS = 10_000


@dataclass(frozen=True)
class ObjectInfo:
    bucket: str
    key: str
    size: int
    etag: str
    """Without quotes: the MD5 in hex, or that of the parts with ``-N``."""
    modified_at: dt.datetime
    content_type: str = DEFAULT_CONTENT_TYPE
    metadata: Mapping[str, str] = field(default_factory=dict)
    """``x-amz-meta-…`` without the prefix, names in lower case."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Others to give back, names in lower case: ``cache-control``, ``content-encoding``, …"""
    checksums: Mapping[str, str] = field(default_factory=dict)
    """By algorithm (``crc32``, ``crc32c``, ``sha1``, ``sha256``, ``crc64nvme``), in base64; with ``-N`` when it is one of
    the parts' checksums.
    """


@dataclass(frozen=True)
class ObjectPage:
    blobs: tuple[ObjectInfo, ...]
    """Content type, metadata, headers and checksums may be left out: ``head`` has them."""
    prefixes: tuple[str, ...]
    """Common prefixes up to the delimiter."""
    next_start_after: str | None
    """The key or common prefix to go on after; None on the last page."""


@dataclass(frozen=True)
class WriteCondition:
    """Decided together with the write: of two conditional puts at once, one sees the other's object."""

    if_none_match: Literal["*"] | None = None
    """Only where there is no object."""
    if_match: str | None = None
    """Only over the object with this ETag, or over any for ``*``. Raises NoSuchKey where there is none."""


UNCONDITIONAL = WriteCondition()


@dataclass(frozen=True)
class Upload:
    """A multipart upload that was started and neither completed nor aborted."""

    upload_id: str
    bucket: str
    key: str
    started_at: dt.datetime
    content_type: str = DEFAULT_CONTENT_TYPE
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    algorithm: str | None = None
    """Of the checksum that the whole will have."""
    full_object: bool = False
    """The checksum is that of the content, not of the parts' checksums."""


@dataclass(frozen=True)
class Part:
    number: int
    """1 … MAX_PARTS."""
    size: int
    etag: str
    modified_at: dt.datetime
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CompletedPart:
    """A part as the one who completes an upload names it."""

    number: int
    etag: str
    checksums: Mapping[str, str] = field(default_factory=dict)


class BlobStore(Protocol):
    def buckets(self) -> tuple[tuple[str, dt.datetime], ...]:
        """(name, created) by name."""

    def create_bucket(self, bucket: str) -> None:
        """Raises AlreadyExists, Invalid for a name that S3 does not allow."""

    def delete_bucket(self, bucket: str) -> None:
        """Raises NotFound, BucketNotEmpty. Uploads that were not completed go with it."""

    def has_bucket(self, bucket: str) -> bool: ...

    def put(
        self,
        bucket: str,
        key: str,
        content: Iterable[bytes] | BinaryIO,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        checksums: Mapping[str, str] | None = None,
        condition: WriteCondition = UNCONDITIONAL,
    ) -> ObjectInfo:
        """Streams: memory does not grow with the size. Raises BadDigest, PreconditionFailed.

        ``checksums`` by algorithm (those of ObjectInfo, and ``md5``): the value that is expected, or "" to only take it. Its
        names are read before the content and its values after, so that what follows a content can say them.
        """

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """Raises NoSuchKey."""

    def read(
        self, bucket: str, key: str, *, start: int = 0, length: int | None = None
    ) -> tuple[ObjectInfo, Iterator[bytes]]:
        """Raises NoSuchKey. ``length`` None is to the end. The iterator has a ``close``, for who leaves it before its end."""

    def copy(
        self,
        source: tuple[str, str],
        bucket: str,
        key: str,
        *,
        replace: ObjectInfo | None = None,
        condition: WriteCondition = UNCONDITIONAL,
    ) -> ObjectInfo:
        """``source`` is (bucket, key); raises NoSuchKey. Content type, metadata and headers are the source's, or those of
        ``replace``. Raises PreconditionFailed.
        """

    def delete(self, bucket: str, key: str, *, condition: WriteCondition = UNCONDITIONAL) -> None:
        """What is not there is no error, unless there is a condition. Raises NotFound for the bucket, PreconditionFailed."""

    def list(
        self, bucket: str, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> ObjectPage:
        """Keys in the order of their UTF-8 bytes, those behind ``after``; a common prefix that equals it is passed over."""

    def start_upload(
        self,
        bucket: str,
        key: str,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        algorithm: str | None = None,
        full_object: bool = False,
    ) -> Upload: ...

    def upload(self, bucket: str, key: str, upload_id: str) -> Upload:
        """Raises NoSuchUpload."""

    def put_part(
        self,
        upload: Upload,
        number: int,
        content: Iterable[bytes] | BinaryIO,
        *,
        checksums: Mapping[str, str] | None = None,
    ) -> Part:
        """As ``put``; a part of the same number is replaced. Raises NoSuchUpload, BadDigest."""

    def list_parts(self, upload: Upload) -> tuple[Part, ...]:
        """By number. Raises NoSuchUpload."""

    def list_uploads(self, bucket: str, *, prefix: str = "") -> tuple[Upload, ...]:
        """By key, then by start."""

    def complete_upload(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        parts: Sequence[CompletedPart],
        *,
        checksums: Mapping[str, str] | None = None,
        condition: WriteCondition = UNCONDITIONAL,
    ) -> ObjectInfo:
        """The object of these parts; ``checksums`` are those that it is to have. A second call gives the same answer while the
        object is there. Raises NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall, BadDigest, PreconditionFailed; the
        upload stays when it raises.
        """

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """Raises NoSuchUpload."""
