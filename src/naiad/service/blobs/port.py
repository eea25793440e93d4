"""The port of the blob store: objects by bucket and key, with S3's meaning. One contract suite runs on every adapter.

Contract: an object whose ``put`` returned is on disk, whole, under its key; a ``put`` that raised has changed nothing. A reader
of an object that is replaced meanwhile reads the old one to its end. A key is any text of 1 to 1,024 bytes in UTF-8: spaces,
``//``, ``..`` and both ``a`` and ``a/b`` are keys like others. Threads and processes may use one store at once.

Every method with a bucket raises NoSuchBucket. Every method with a key raises Invalid for an invalid one. Every method that
writes raises StorageFull. ``blobs/errors.py`` has the other errors.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

DEFAULT_CONTENT_TYPE = "binary/octet-stream"
MIN_PART_BYTES = 5 * 2**20
"""The minimum size of every part of an upload but the last."""
MAX_PARTS = 10_000


@dataclass(frozen=True)
class ObjectAttributes:
    """Attributes that a client stores with the content of an object, and gets back with it."""

    content_type: str = DEFAULT_CONTENT_TYPE
    metadata: Mapping[str, str] = field(default_factory=dict)
    """The ``x-amz-meta-…`` headers, without the prefix, names in lower case."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Other headers that a GET returns, names in lower case: ``cache-control``, ``x-amz-storage-class``, …"""
    tags: Mapping[str, str] | None = None
    """None: no tags; for a copy: those of its source."""
    customer_key: bytes | None = field(default=None, repr=False)
    """32 bytes with which the content is encrypted. They are not stored: whoever reads the object gives them again."""


NO_ATTRIBUTES = ObjectAttributes()


@dataclass(frozen=True)
class ObjectInfo:
    bucket: str
    key: str
    size: int
    etag: str
    """The MD5 in hex, or that of the parts' MD5s with ``-N``; without quotes."""
    modified_at: dt.datetime
    content_type: str = DEFAULT_CONTENT_TYPE
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    """Checksums in base64 by algorithm (``crc32``, ``crc32c``, ``sha1``, ``sha256``, ``crc64nvme``); with ``-N`` where it is a
    checksum of the parts' checksums.
    """
    tag_count: int = 0
    key_seal: str | None = None
    """Set where the content is encrypted with a customer's key: what ``customer_key.check_key`` knows the key by."""


@dataclass(frozen=True)
class ObjectPart:
    """A part from which an object was made."""

    number: int
    size: int
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ObjectPage:
    objects: tuple[ObjectInfo, ...]
    """Content type, metadata, headers and checksums may be missing: ``head`` has them."""
    prefixes: tuple[str, ...]
    """Common prefixes up to the delimiter."""
    next_start_after: str | None
    """``start_after`` of the next page, a key or a common prefix; None on the last page."""


@dataclass(frozen=True)
class WriteCondition:
    """The condition of a conditional write. It is checked in one step with the write: of two conditional puts at once, one sees
    the other's object.
    """

    if_none_match: str | None = None
    """``*``: there must be no object; an ETag: none with it."""
    if_match: str | None = None
    """There must be an object with this ETag, or any object for ``*``. NoSuchKey is raised where there is none."""
    if_match_size: int | None = None
    """The size that an object must have, where there is one. For a deletion, like the next."""
    if_match_modified_at: dt.datetime | None = None
    """The time of its last change, to the second."""


UNCONDITIONAL = WriteCondition()


@dataclass(frozen=True)
class Upload:
    """A multipart upload that is neither completed nor aborted."""

    upload_id: str
    bucket: str
    key: str
    started_at: dt.datetime
    content_type: str = DEFAULT_CONTENT_TYPE
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    algorithm: str | None = None
    """The algorithm of the object's checksum."""
    full_object: bool = False
    """Whether the checksum covers the content (FULL_OBJECT) and not the parts' checksums (COMPOSITE)."""
    tags: Mapping[str, str] = field(default_factory=dict)
    key_seal: str | None = None
    """Set where the parts are encrypted with a customer's key, as in ObjectInfo."""


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
    """A part as the client names it when it completes the upload."""

    number: int
    etag: str
    checksums: Mapping[str, str] = field(default_factory=dict)


class BlobStore(Protocol):
    def list_buckets(self) -> tuple[tuple[str, dt.datetime], ...]:
        """Returns (name, time of creation) of each bucket, by name."""

    def create_bucket(self, bucket: str) -> None:
        """Raises BucketExists, Invalid for a name that S3 does not allow."""

    def delete_bucket(self, bucket: str) -> None:
        """Deletes an empty bucket and its open uploads. Raises BucketNotEmpty."""

    def has_bucket(self, bucket: str) -> bool: ...

    def put(
        self,
        bucket: str,
        key: str,
        content: Iterable[bytes] | BinaryIO,
        *,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        checksums: Mapping[str, str] | None = None,
        condition: WriteCondition = UNCONDITIONAL,
    ) -> ObjectInfo:
        """Streams the content: memory does not grow with its size. Raises BadDigest, PreconditionFailed.

        ``checksums``: the expected value by algorithm (those of ObjectInfo, and ``md5``), or "" to only compute it. The
        names are read before the content and the values after it, so that a trailer of the content can fill them in.
        """

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """Raises NoSuchKey."""

    def read(
        self, bucket: str, key: str, *, start: int = 0, length: int | None = None, customer_key: bytes | None = None
    ) -> tuple[ObjectInfo, Iterator[bytes]]:
        """Reads ``length`` bytes, or to the end for None. Raises NoSuchKey, CustomerKeyMismatch; DamagedObject instead of
        returning a byte that was not put.

        The iterator has a ``close`` for a caller that does not exhaust it.
        """

    def copy(
        self,
        source: tuple[str, str],
        bucket: str,
        key: str,
        *,
        replace: ObjectAttributes | None = None,
        condition: WriteCondition = UNCONDITIONAL,
        source_etag: str | None = None,
    ) -> ObjectInfo:
        """Copies the object ``source`` (bucket, key). Its attributes are the source's, or those of ``replace``.

        ``source_etag``: the ETag that the source must have. Raises NoSuchKey, PreconditionFailed, and CustomerKeyMismatch
        for an encrypted source: read and put that.
        """

    def object_parts(self, bucket: str, key: str) -> tuple[ObjectPart, ...]:
        """Returns the parts of an object by number; none of one that was not put in parts. Raises NoSuchKey."""

    def tags(self, bucket: str, key: str) -> Mapping[str, str]:
        """Raises NoSuchKey."""

    def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> None:
        """Replaces the tags, and changes nothing else of the object. Raises NoSuchKey."""

    def configuration(self, bucket: str, name: str) -> str | None:
        """Returns the text that ``set_configuration`` stored; None where there is none, or no bucket. It is read for each put."""

    def set_configuration(self, bucket: str, name: str, text: str | None) -> None:
        """Stores a text with a bucket, under a name of letters and hyphens; None removes it. It goes with the bucket.

        Raises NotServed where the store keeps none.
        """

    def delete(self, bucket: str, key: str, *, condition: WriteCondition = UNCONDITIONAL) -> None:
        """Ignores a missing object unless there is a condition. Raises PreconditionFailed."""

    def list(
        self, bucket: str, *, prefix: str = "", delimiter: str = "", start_after: str = "", limit: int = 1000
    ) -> ObjectPage:
        """Lists the keys after ``start_after`` in the order of their UTF-8 bytes. A common prefix that equals ``start_after`` is
        left out.
        """

    def start_upload(
        self,
        bucket: str,
        key: str,
        *,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        algorithm: str | None = None,
        full_object: bool = False,
    ) -> Upload: ...

    def get_upload(self, bucket: str, key: str, upload_id: str) -> Upload:
        """Raises NoSuchUpload."""

    def put_part(
        self,
        upload: Upload,
        number: int,
        content: Iterable[bytes] | BinaryIO,
        *,
        checksums: Mapping[str, str] | None = None,
        customer_key: bytes | None = None,
    ) -> Part:
        """Adds a part, or replaces the one of the same number; otherwise like ``put``.

        ``customer_key``: the one with which the upload was started. Raises NoSuchUpload, BadDigest, CustomerKeyMismatch.
        """

    def list_parts(self, upload: Upload) -> tuple[Part, ...]:
        """Returns the parts by number. Raises NoSuchUpload."""

    def list_uploads(self, bucket: str, *, prefix: str = "") -> tuple[Upload, ...]:
        """Returns the open uploads by key, then by start."""

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
        """Makes the object of these parts. ``checksums``: those that it must have. A second call returns the same while
        the object is there. Raises NoSuchUpload, InvalidPart,
        InvalidPartOrder, EntityTooSmall, BadDigest, PreconditionFailed; the upload
        stays when it raises.
        """

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """Raises NoSuchUpload."""
