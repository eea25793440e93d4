"""Checksums of the blocks of stored content: CRC-32C, which finds every flipped bit, and which processors compute by themselves.

A block is 256 KiB: large enough that a checksum costs nothing beside reading, small enough for a range of a few bytes. The
content of an object that was put in parts is summed part by part, so that parts are joined without being read.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from awscrt.checksums import crc32c

BLOCK_BYTES = 2**18
SUM_BYTES = 4
_MAX_BLOCKS = 4
"""The blocks that are read at once: 1 MiB."""


class BlockSums:
    """The sums of content that is given chunk by chunk."""

    def __init__(self) -> None:
        self._sums = bytearray()
        self._sum, self._filled_bytes = 0, 0

    def update(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            piece = view[: BLOCK_BYTES - self._filled_bytes]
            self._sum = crc32c(piece, self._sum)
            self._filled_bytes += len(piece)
            view = view[len(piece) :]
            if self._filled_bytes == BLOCK_BYTES:
                self._end_block()

    def finish(self) -> bytes:
        """Returns the sums, 4 bytes for each block."""
        if self._filled_bytes:
            self._end_block()
        return bytes(self._sums)

    def _end_block(self) -> None:
        self._sums += pack_sum(self._sum)
        self._sum, self._filled_bytes = 0, 0


class BlockRun(NamedTuple):
    """Blocks that follow one another in one segment."""

    start: int
    end: int
    """Bytes of the content."""
    first: int
    """The number of the first block."""


class BlockLayout:
    """The blocks of content that was written in segments, each of which begins a block of its own."""

    def __init__(self, segments: Sequence[int]) -> None:
        """``segments``: their sizes in bytes."""
        self.segments = segments
        self._starts = [*accumulate(segments, initial=0)]
        self._first_blocks = [*accumulate(map(count_blocks, segments), initial=0)]

    @property
    def blocks(self) -> int:
        return self._first_blocks[-1]

    def run_at(self, position: int, end: int) -> BlockRun:
        """Returns the blocks from the one that holds ``position`` on, as many as are needed to ``end`` and are read at once."""
        segment = bisect_right(self._starts, position) - 1
        while self._starts[segment + 1] <= position:  # an empty segment begins where the next one does
            segment += 1
        start, stop = self._starts[segment], self._starts[segment + 1]
        first = (position - start) // BLOCK_BYTES
        begin = start + first * BLOCK_BYTES
        count = min(_MAX_BLOCKS, count_blocks(min(end, stop) - begin))
        return BlockRun(begin, min(stop, begin + count * BLOCK_BYTES), self._first_blocks[segment] + first)


def count_blocks(size: int) -> int:
    return -(-size // BLOCK_BYTES)


def pack_sum(value: int) -> bytes:
    return value.to_bytes(SUM_BYTES, "little")


def find_damaged_block(data: bytes, sums: bytes) -> int | None:
    """Returns the number of the first block of ``data`` that does not have its sum; None where all have it."""
    if len(data) <= BLOCK_BYTES:
        return None if pack_sum(crc32c(data)) == sums else 0
    view = memoryview(data)
    for number in range(count_blocks(len(data))):
        block = view[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]
        if pack_sum(crc32c(block)) != sums[number * SUM_BYTES : (number + 1) * SUM_BYTES]:
            return number
    return None
