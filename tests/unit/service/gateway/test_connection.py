"""The bounds of a connection, before there is a request."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from naiad.service.gateway.connection import HEAD_TIMEOUT_S, MOST_HEAD_BYTES, Connection

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
PIECE = 8_192


class Wire(asyncio.Transport):
    """What a connection does to its socket."""

    def __init__(self):
        super().__init__()
        self.written, self.is_over, self.was_aborted = b"", False, False

    def write(self, data):
        self.written += data

    def is_closing(self):
        return self.is_over

    def close(self):
        self.is_over = True

    def abort(self):
        self.is_over = self.was_aborted = True

    def pause_reading(self): ...

    def resume_reading(self): ...


class Timer:
    def __init__(self, delay_s, callback):
        self.delay_s, self.callback, self.is_cancelled = delay_s, callback, False

    def cancel(self):
        self.is_cancelled = True


class Loop:
    """Tasks are not begun, timers go off when the test says so."""

    def __init__(self):
        self.timers, self.coroutines = [], []

    def call_later(self, delay_s, callback, *_):
        self.timers.append(Timer(delay_s, callback))
        return self.timers[-1]

    def call_soon(self, callback):
        """What is written goes out with the end of the connection."""

    def create_task(self, coroutine, **_):
        coroutine.close()
        return asyncio.Future()

    def go_off(self):
        for timer in self.timers:
            if not timer.is_cancelled:
                timer.callback()


async def nothing(scope, receive, send): ...


def connected(work):
    """What ``work`` gives for a new connection, its wire and its loop."""

    async def run():
        config = uvicorn.Config(nothing, http=Connection, lifespan="off")
        config.load()
        loop, wire = Loop(), Wire()
        connection = Connection(config, ServerState(), {}, loop)
        connection.connection_made(wire)
        return work(connection, wire, loop)

    return asyncio.run(run())


def fed(endless: bytes, *, most: int = 4 * MOST_HEAD_BYTES, begin: bytes = HEAD) -> tuple[Wire, int]:
    """(the wire, how many bytes it took)."""

    def feed(connection, wire, _):
        taken = len(begin)
        connection.data_received(begin)
        while not wire.is_over and taken < most:
            connection.data_received(endless)
            taken += len(endless)
        return wire, taken

    return connected(feed)


@pytest.mark.parametrize(
    ("begin", "endless"),
    [
        (HEAD, b"a: b\r\n" * (PIECE // 6)),
        (HEAD + b"one: ", b"x" * PIECE),
        (HEAD, b"x" * PIECE),
        (b"GET /", b"x" * PIECE),
    ],
    ids=["many", "one value", "one name", "the target"],
)
def test_a_head_without_end(begin, endless):
    wire, taken = fed(endless, begin=begin)
    assert wire.is_over
    assert taken <= MOST_HEAD_BYTES + 2 * PIECE
    assert wire.written.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))


@pytest.mark.parametrize(
    "endless",
    [b"a: b\r\n" * (PIECE // 6), b"x" * PIECE],
    ids=["trailers", "one trailer"],
)
def test_trailers_without_end(endless):
    begin = HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    wire, taken = fed(endless, begin=begin)
    assert wire.is_over
    assert taken <= MOST_HEAD_BYTES + 2 * PIECE


def test_a_chunks_size_without_end():
    wire, _ = fed(b";" + b"x" * PIECE, begin=HEAD + b"Transfer-Encoding: chunked\r\n\r\n1")
    assert wire.is_over


def test_a_long_body_is_no_long_head():
    for begin in (b"Content-Length: 9999999\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n"):
        wire, taken = fed(b"x" * PIECE, begin=HEAD + begin)
        assert not wire.is_over
        assert taken >= 4 * MOST_HEAD_BYTES


def test_requests_one_after_another_do_not_add_up():
    def feed(connection, wire, _):
        for _ in range(100):
            connection.data_received(b"GET / HTTP/1.1\r\nHost: x\r\nlong: " + b"x" * 2_000 + b"\r\n\r\n")
        return wire

    assert not connected(feed).is_over


def test_a_head_that_takes_too_long_ends_the_connection():
    def silent(_, wire, loop):
        assert [timer.delay_s for timer in loop.timers] == [HEAD_TIMEOUT_S]
        loop.go_off()
        return wire

    def slow(connection, wire, loop):
        connection.data_received(HEAD[:5])
        connection.data_received(HEAD[5:])
        assert len([timer for timer in loop.timers if not timer.is_cancelled]) == 1
        loop.go_off()
        return wire

    assert connected(silent).is_over
    assert connected(slow).is_over


def test_a_whole_head_has_time_to_be_answered():
    def whole(connection, wire, loop):
        connection.data_received(HEAD + b"\r\n")
        loop.go_off()
        return wire

    assert not connected(whole).is_over


def test_the_answer_before_is_not_cut_by_what_comes_behind_it():
    """A second head while the first request is answered still: no 431 in the middle of that answer."""
    wire, _ = fed(b"x" * PIECE, begin=b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nlong: ")
    assert wire.was_aborted
    assert wire.written == b""
