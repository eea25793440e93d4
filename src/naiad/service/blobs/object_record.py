"""The file of an object: its content, followed by a record of all else, so that one rename changes both.

    content | record as JSON in UTF-8 | size of the JSON (8 bytes, little-endian) | mark (8 bytes)

The content comes first, so that ``head -c SIZE`` extracts it. Knows open files; knows no keys and no folders.
"""

import datetime as dt
import json
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from naiad.service.blobs.port import DEFAULT_CONTENT_TYPE, ObjectInfo, ObjectPart
from naiad.service.domain.errors import ServiceError

_FOOTER = struct.Struct("<Q8s")
_MARK = b"naiad:1\n"
_OPTIONAL = ("tags", "parts", "key_seal", "pieces")
_TAIL_BYTES = 4096
"""The first read from the file's end: it contains most records whole."""


@dataclass(frozen=True)
class ObjectRecord:
    """All that is stored of an object besides its content. The names of the fields are those in the JSON."""

    size: int
    """The bytes of the content."""
    etag: str
    modified_ms: int
    """Milliseconds since 1970 in UTC."""
    content_type: str = DEFAULT_CONTENT_TYPE
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    upload_id: str | None = None
    """The multipart upload that made the object."""
    tags: Mapping[str, str] = field(default_factory=dict)
    parts: Sequence[Sequence[Any]] = ()
    """(number, size, checksums) of each part of a multipart upload."""
    key_seal: str | None = None
    """The seal of the customer's key with which the content is encrypted."""
    pieces: Sequence[Sequence[Any]] = ()
    """(size, nonce) of each piece that was encrypted by itself."""

    def to_bytes(self) -> bytes:
        """Leaves out what has its default value, except for the first fields, which every version wrote."""
        values = {name: value for name, value in vars(self).items() if value or name not in _OPTIONAL}
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        return text + _FOOTER.pack(len(text), _MARK)

    @classmethod
    def read_from(cls, fd: int) -> Self:
        """Raises ServiceError for a damaged file."""
        end = os.fstat(fd).st_size
        tail = os.pread(fd, min(end, _TAIL_BYTES), max(0, end - _TAIL_BYTES))
        if len(tail) < _FOOTER.size or tail[-8:] != _MARK:
            raise ServiceError("an object's file is damaged: its mark is missing")
        size, _ = _FOOTER.unpack(tail[-_FOOTER.size :])
        start = end - _FOOTER.size - size
        if start < 0:
            raise ServiceError("an object's file is damaged: its record is longer than the file")
        text = tail[: -_FOOTER.size][-size:] if size <= len(tail) - _FOOTER.size else os.pread(fd, size, start)
        return cls._parse(text, start)

    @classmethod
    def _parse(cls, text: bytes, content_size: int) -> Self:
        try:
            record = cls(**json.loads(text.decode("utf-8", "surrogatepass")))
        except (ValueError, TypeError) as error:
            raise ServiceError(f"an object's file is damaged: {error}") from error
        if record.size != content_size:
            raise ServiceError(f"an object's file is damaged: it has {content_size} of {record.size} bytes of content")
        return record

    def to_info(self, bucket: str, key: str) -> ObjectInfo:
        return ObjectInfo(
            bucket=bucket,
            key=key,
            size=self.size,
            etag=self.etag,
            modified_at=from_epoch_ms(self.modified_ms),
            content_type=self.content_type,
            metadata=self.metadata,
            headers=self.headers,
            checksums=self.checksums,
            tag_count=len(self.tags),
            key_seal=self.key_seal,
        )

    def object_parts(self) -> tuple[ObjectPart, ...]:
        return tuple(ObjectPart(number, size, checksums) for number, size, checksums in self.parts)


def from_epoch_ms(epoch_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch_ms / 1000, dt.UTC)


def to_epoch_ms(at: dt.datetime) -> int:
    return round(at.timestamp() * 1000)
