"""Sums of blocks, and which blocks a range needs."""

import random

import pytest
from awscrt.checksums import crc32c

from naiad.service.blobs.block_sums import BLOCK_BYTES, BlockLayout, BlockSums, find_damaged_block, pack_sum

SIZES = (0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES)


def sums_of(chunks):
    sums = BlockSums()
    for chunk in chunks:
        sums.update(chunk)
    return sums.finish()


@pytest.mark.parametrize("size", SIZES)
def test_the_sums_do_not_depend_on_the_chunks(size):
    data = random.Random(size).randbytes(size)
    blocks = [data[at : at + BLOCK_BYTES] for at in range(0, size, BLOCK_BYTES)]
    expected = b"".join(pack_sum(crc32c(block)) for block in blocks)
    assert sums_of([data]) == expected
    assert sums_of([data[at : at + 100_000] for at in range(0, size, 100_000)]) == expected
    assert find_damaged_block(data, expected) is (0 if size == 0 else None)


@pytest.mark.parametrize("byte", [0, BLOCK_BYTES - 1, BLOCK_BYTES, 3 * BLOCK_BYTES])
def test_a_flipped_bit_is_found_in_its_block(byte):
    data = bytearray(3 * BLOCK_BYTES + 1)
    sums = sums_of([bytes(data)])
    data[byte] ^= 16
    assert find_damaged_block(bytes(data), sums) == byte // BLOCK_BYTES


def test_the_blocks_of_a_range():
    layout = BlockLayout([10 * BLOCK_BYTES + 5])
    assert layout.blocks == 11
    assert layout.run_at(0, 1) == (0, BLOCK_BYTES, 0)
    assert layout.run_at(BLOCK_BYTES + 7, 2 * BLOCK_BYTES + 1) == (BLOCK_BYTES, 3 * BLOCK_BYTES, 1)
    assert layout.run_at(5 * BLOCK_BYTES, 99 * BLOCK_BYTES) == (5 * BLOCK_BYTES, 9 * BLOCK_BYTES, 5)
    assert layout.run_at(10 * BLOCK_BYTES + 4, 10 * BLOCK_BYTES + 5) == (10 * BLOCK_BYTES, 10 * BLOCK_BYTES + 5, 10)


def test_each_segment_begins_a_block():
    layout = BlockLayout([BLOCK_BYTES + 1, 0, 7])
    assert layout.blocks == 3
    assert layout.run_at(BLOCK_BYTES, BLOCK_BYTES + 8) == (BLOCK_BYTES, BLOCK_BYTES + 1, 1)
    assert layout.run_at(BLOCK_BYTES + 1, BLOCK_BYTES + 2) == (BLOCK_BYTES + 1, BLOCK_BYTES + 8, 2)
