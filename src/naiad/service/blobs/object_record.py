"""The file of an object: its content, then what is known about it, so that both change in one rename.

    content | JSON in UTF-8 | size of the JSON (8 bytes, little-endian) | mark (8 bytes)

The content comes first: ``head -c SIZE`` gives it back. Knows open files; knows no keys and no folders.
"""

import datetime as dt
import json
import os
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Self

from naiad.service.blobs.port import DEFAULT_CONTENT_TYPE, ObjectInfo
from naiad.service.domain.errors import ServiceError

_FOOTER = struct.Struct("<Q8s")
_MARK = b"naiad:1\n"
_TAIL_BYTES = 4096
"""Read at once: most records are shorter."""


@dataclass(frozen=True)
class Record:
    size: int
    """Of the content."""
    etag: str
    modified_ms: int
    """Since 1970, UTC."""
    content_type: str = DEFAULT_CONTENT_TYPE
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    upload_id: str | None = None
    """Of the multipart upload that it was made by."""

    def to_bytes(self) -> bytes:
        text = json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        return text + _FOOTER.pack(len(text), _MARK)

    @classmethod
    def read_from(cls, fd: int) -> Self:
        """Raises ServiceError for a file that is not whole."""
        end = os.fstat(fd).st_size
        tail = os.pread(fd, min(end, _TAIL_BYTES), max(0, end - _TAIL_BYTES))
        if len(tail) < _FOOTER.size or tail[-8:] != _MARK:
            raise ServiceError("an object's file is damaged: its mark is missing")
        size, _ = _FOOTER.unpack(tail[-_FOOTER.size :])
        start = end - _FOOTER.size - size
        if start < 0:
            raise ServiceError("an object's file is damaged: its record is longer than itself")
        text = tail[: -_FOOTER.size][-size:] if size <= len(tail) - _FOOTER.size else os.pread(fd, size, start)
        return cls._parsed(text, start)

    @classmethod
    def _parsed(cls, text: bytes, content_size: int) -> Self:
        try:
            record = cls(**json.loads(text.decode("utf-8", "surrogatepass")))
        except (ValueError, TypeError) as error:
            raise ServiceError(f"an object's file is damaged: {error}") from error
        if record.size != content_size:
            raise ServiceError(f"an object's file is damaged: {content_size} of {record.size} bytes of content")
        return record

    def info(self, bucket: str, key: str) -> ObjectInfo:
        return ObjectInfo(
            bucket=bucket,
            key=key,
            size=self.size,
            etag=self.etag,
            modified_at=moment(self.modified_ms),
            content_type=self.content_type,
            metadata=self.metadata,
            headers=self.headers,
            checksums=self.checksums,
        )


def moment(ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC)


def milliseconds(at: dt.datetime) -> int:
    return round(at.timestamp() * 1000)
