"""The file of an object: its content, followed by a record of all else, so that one rename changes both.

    content | sums of its blocks | record as JSON in UTF-8 | size and CRC-32C of the JSON (8 + 4 bytes, little-endian) | mark

The content comes first, so that ``head -c SIZE`` extracts it. Files of older versions have another mark, and no sums. Knows open
files; knows no keys and no folders.
"""

import datetime as dt
import json
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from awscrt.checksums import crc32c

from naiad.service.blobs.block_sums import BLOCK_BYTES, SUM_BYTES, BlockLayout, count_blocks
from naiad.service.blobs.errors import DamagedObject
from naiad.service.blobs.port import DEFAULT_CONTENT_TYPE, ObjectInfo, ObjectPart

_FOOTER, _MARK = struct.Struct("<QI8s"), b"naiad:2\n"
_OLD_FOOTER, _OLD_MARK = struct.Struct("<Q8s"), b"naiad:1\n"
_OPTIONAL = ("tags", "parts", "key_seal", "pieces", "block_bytes")
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
    block_bytes: int = 0
    """The size of the blocks of which the file has sums; 0 where it has none."""

    @property
    def has_sums(self) -> bool:
        return self.block_bytes > 0

    @property
    def layout(self) -> BlockLayout:
        """The blocks: those of each part of an object that was put in parts."""
        return BlockLayout([size for _, size, _ in self.parts] if self.parts else [self.size])

    def count_blocks(self) -> int:
        """Returns the number of blocks, which each look at an object needs."""
        return sum(count_blocks(size) for _, size, _ in self.parts) if self.parts else count_blocks(self.size)

    def to_bytes(self, sums: bytes = b"") -> bytes:
        """Returns what follows the content. Leaves out what has its default value, except for the first fields.

        ``sums``: those of the content's blocks; none with ``block_bytes`` 0, which is a file of an older version.
        """
        values = {name: value for name, value in vars(self).items() if value or name not in _OPTIONAL}
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        if not self.has_sums:
            return text + _OLD_FOOTER.pack(len(text), _OLD_MARK)
        return sums + text + _FOOTER.pack(len(text), crc32c(text), _MARK)

    @classmethod
    def read_from(cls, fd: int) -> Self:
        """Raises DamagedObject."""
        end = os.fstat(fd).st_size
        tail = os.pread(fd, min(end, _TAIL_BYTES), max(0, end - _TAIL_BYTES))
        if tail.endswith(_MARK) and len(tail) >= _FOOTER.size:
            size, checksum, _ = _FOOTER.unpack_from(tail, len(tail) - _FOOTER.size)
            footer_bytes = _FOOTER.size
        else:
            size, checksum, footer_bytes = _read_old_footer(tail)
        start = end - footer_bytes - size
        if start < 0:
            raise DamagedObject("its record is longer than its file")
        text = tail[:-footer_bytes][-size:] if size <= len(tail) - footer_bytes else os.pread(fd, size, start)
        if checksum is not None and crc32c(text) != checksum:
            raise DamagedObject("its record has another checksum")
        return cls._parse(text, start, has_sums=checksum is not None)

    @classmethod
    def _parse(cls, text: bytes, record_at: int, *, has_sums: bool) -> Self:
        try:
            record = cls(**json.loads(text.decode("utf-8", "surrogatepass")))
            sums_bytes = record.count_blocks() * SUM_BYTES if has_sums else 0
        except (ValueError, TypeError) as error:
            raise DamagedObject(f"its record cannot be read: {error}") from error
        if record.block_bytes not in (0, BLOCK_BYTES) or record.has_sums != has_sums:
            raise DamagedObject(
                f"its record has blocks of {record.block_bytes} bytes, of {BLOCK_BYTES} that are read here"
            )
        if record.size + sums_bytes != record_at:
            raise DamagedObject(f"it has {record_at - sums_bytes} of {record.size} bytes of content")
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


def _read_old_footer(tail: bytes) -> tuple[int, None, int]:
    """Returns (size of the record, no checksum, bytes of the footer). Raises DamagedObject for another mark."""
    if tail.endswith(_OLD_MARK) and len(tail) >= _OLD_FOOTER.size:
        return _OLD_FOOTER.unpack(tail[-_OLD_FOOTER.size :])[0], None, _OLD_FOOTER.size
    raise DamagedObject("the mark at its end is missing")


def from_epoch_ms(epoch_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch_ms / 1000, dt.UTC)


def to_epoch_ms(at: dt.datetime) -> int:
    return round(at.timestamp() * 1000)
