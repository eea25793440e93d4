"""The open file of an object, and the reading of its content, of which no byte is returned whose block's sum differs."""

import os
from types import TracebackType
from typing import NoReturn

from awscrt.checksums import crc32c

from naiad.service.blobs.block_sums import (
    BLOCK_BYTES,
    SUM_BYTES,
    BlockLayout,
    BlockRun,
    count_blocks,
    find_damaged_block,
    pack_sum,
)
from naiad.service.blobs.customer_key import Decryption
from naiad.service.blobs.damage_log import DamageLog
from naiad.service.blobs.errors import DamagedObject
from naiad.service.blobs.object_record import ObjectRecord

_READ_BYTES = 2**20


class ObjectFile:
    """It can be read to its end even after the object was replaced or deleted."""

    def __init__(self, path: "str | os.PathLike[str]") -> None:
        """Raises OSError, and DamagedObject where the record cannot be read."""
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            self.record = ObjectRecord.read_from(self.fd)
        except BaseException:
            self.close()
            raise

    def sums(self) -> bytes:
        """Returns the sums of all blocks; none of a file of an older version."""
        return (
            os.pread(self.fd, self.record.count_blocks() * SUM_BYTES, self.record.size) if self.record.has_sums else b""
        )

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> "ObjectFile":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "fd"):
            self.close()


class ContentReader:
    """Reads the stored bytes of an open object, block by block where they have sums."""

    def __init__(self, file: ObjectFile) -> None:
        record = file.record
        self._file, self._size, self._has_sums = file, record.size, record.has_sums
        is_one_block = record.size <= BLOCK_BYTES and not record.parts
        self._layout: BlockLayout | None = record.layout if record.has_sums and not is_one_block else None

    def read_at(self, position: int, end: int) -> bytes:
        """Returns bytes from ``position`` on, at most to ``end``, at least one. Raises DamagedObject, OSError."""
        if self._layout is None and self._has_sums:
            return self._read_only_block()[position:end]
        if self._layout is None:
            data = os.pread(self._file.fd, min(_READ_BYTES, end - position), position)
            return data or self._refuse("it has become shorter")
        run = self._layout.run_at(position, end)
        data, sums = self._read_run(run)
        damaged = find_damaged_block(data, sums)
        if damaged is not None:
            self._refuse(f"block {run.first + damaged + 1} of {self._layout.blocks} has another checksum")
        begin, stop = position - run.start, end - run.start
        return data if begin == 0 and stop >= len(data) else data[begin:stop]

    def _read_only_block(self) -> bytes:
        """Returns the content of a small object, which most objects are: with its sum, it is one read."""
        both = os.pread(self._file.fd, self._size + SUM_BYTES, 0)
        data = both[: self._size]
        return (
            data if pack_sum(crc32c(data)) == both[self._size :] else self._refuse("block 1 of 1 has another checksum")
        )

    def _read_run(self, run: BlockRun) -> tuple[bytes, bytes]:
        """Returns the blocks and their sums."""
        size, sums_at = run.end - run.start, self._size + run.first * SUM_BYTES
        sums = os.pread(self._file.fd, count_blocks(size) * SUM_BYTES, sums_at)
        return os.pread(self._file.fd, size, run.start), sums

    @staticmethod
    def _refuse(reason: str) -> NoReturn:
        raise DamagedObject(reason)


class RangeReader:
    """An iterator over the bytes of a range, in chunks. Closes its file at the end."""

    def __init__(
        self,
        file: ObjectFile,
        name: tuple[str, str],
        start: int,
        length: int | None,
        *,
        decryption: Decryption | None = None,
        damage: DamageLog,
    ) -> None:
        """``name``: bucket and key, for messages."""
        size = file.record.size
        self._file, self._name, self._decryption, self._damage = file, name, decryption, damage
        self._reader = ContentReader(file)
        self._position = min(start, size)
        self._end = size if length is None else min(size, start + length)

    def __iter__(self) -> "RangeReader":
        return self

    def __next__(self) -> bytes:
        """Raises DamagedObject instead of returning bytes that are not those that were put, or that cannot be read."""
        if self._position >= self._end:
            self.close()
            raise StopIteration
        try:
            data = self._reader.read_at(self._position, self._end)
        except (DamagedObject, OSError) as error:
            self.close()
            reason = damage_reason(error)
            self._damage.add(*self._name, reason)
            raise damaged_object(*self._name, reason) from error
        position = self._position
        self._position += len(data)
        return data if self._decryption is None else self._decryption.decrypt(position, data)

    def close(self) -> None:
        self._position = self._end
        self._file.close()


def damage_reason(error: Exception) -> str:
    """Returns why an object is damaged, from the error that reading it has raised."""
    return f"its file cannot be read: {error.strerror or error}" if isinstance(error, OSError) else str(error)


def damaged_object(bucket: str, key: str, reason: str) -> DamagedObject:
    return DamagedObject(
        f"the object {key!r} in bucket {bucket} is damaged: {reason}", hint="bring it back from a copy, or delete it"
    )
