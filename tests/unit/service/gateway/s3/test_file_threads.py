"""Bodies between the event loop and threads."""

import asyncio
import hashlib
import itertools

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.s3.errors import S3Error
from naiad.service.gateway.s3.file_threads import FileThreads
from naiad.service.gateway.s3.request_body import RequestBody

PIECE = b"x" * 70_000


async def stream(count):
    for _ in range(count):
        yield PIECE


async def break_off():
    for _ in range(30):
        yield PIECE
    raise Invalid("broke off")


@pytest.fixture
def threads():
    threads = FileThreads()
    yield threads
    threads.close()


def digest(pieces):
    md5 = hashlib.md5()
    sizes = [md5.update(piece) or len(piece) for piece in pieces]
    return md5.hexdigest(), max(sizes)


@pytest.mark.parametrize("count", [0, 1, 15, 400])
def test_a_body_arrives_in_bounded_pieces(threads, count):
    received, largest = asyncio.run(threads.receive(RequestBody(stream(count), 2**30), digest))
    assert received == hashlib.md5(PIECE * count).hexdigest()
    assert largest < 2 * 2**20


def test_a_body_that_breaks_off_ends_the_work(threads):
    with pytest.raises(Invalid, match="broke off"):
        asyncio.run(threads.receive(RequestBody(break_off(), 2**30), digest))


def test_a_body_that_is_too_large(threads):
    with pytest.raises(S3Error, match="larger"):
        asyncio.run(threads.receive(RequestBody(stream(400), 5_000_000), digest))


def test_an_object_is_sent_and_closed(threads):
    closed = []

    def pieces():
        try:
            yield from itertools.repeat(b"ab", 3)
        finally:
            closed.append(1)

    async def send():
        return b"".join([piece async for piece in threads.send(pieces())])

    assert asyncio.run(send()) == b"ababab"
    assert closed == [1]
