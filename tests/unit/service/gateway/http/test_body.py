"""Bodies are read within bounds."""

import asyncio

import pytest

from naiad.service.gateway.http.body import read_bounded
from naiad.service.gateway.rejection import RequestRejected


async def cut(data: bytes, size: int):
    for start in range(0, len(data), size):
        yield data[start : start + size]


def test_the_size_is_bounded():
    assert asyncio.run(read_bounded(cut(b"x" * 100, 9), 100)) == b"x" * 100
    with pytest.raises(RequestRejected, match="larger than 100 bytes"):
        asyncio.run(read_bounded(cut(b"x" * 101, 9), 100))
