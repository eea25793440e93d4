"""Bounds of a connection, before there is a request."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from naiad.service.gateway.http.http_protocol import HEAD_TIMEOUT_S, MAX_HEAD_BYTES, BoundedHttpProtocol

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
PIECE = 8_192


class RecordingTransport(asyncio.Transport):
    """Records what a connection does to its socket."""

    def __init__(self):
        super().__init__()
        self.written, self.is_closed, self.was_aborted = b"", False, False

    def write(self, data):
        self.written += data

    def is_closing(self):
        return self.is_closed

    def close(self):
        self.is_closed = True

    def abort(self):
        self.is_closed = self.was_aborted = True

    def pause_reading(self): ...

    def resume_reading(self): ...


class FakeTimer:
    def __init__(self, delay_s, callback):
        self.delay_s, self.callback, self.is_cancelled = delay_s, callback, False

    def cancel(self):
        self.is_cancelled = True


class FakeLoop:
    """Starts no task; its timers fire when the test says so."""

    def __init__(self):
        self.timers, self.coroutines = [], []

    def call_later(self, delay_s, callback, *_):
        self.timers.append(FakeTimer(delay_s, callback))
        return self.timers[-1]

    def call_soon(self, callback):
        """Does nothing: what is written goes out with the end of the connection."""

    def create_task(self, coroutine, **_):
        coroutine.close()
        return asyncio.Future()

    def fire_timers(self):
        for timer in self.timers:
            if not timer.is_cancelled:
                timer.callback()


async def empty_app(scope, receive, send): ...


def with_connection(work):
    """Returns what ``work`` returns for a new connection, its transport and its loop."""

    async def run():
        config = uvicorn.Config(empty_app, http=BoundedHttpProtocol, lifespan="off")
        config.load()
        loop, transport = FakeLoop(), RecordingTransport()
        connection = BoundedHttpProtocol(config, ServerState(), {}, loop)
        connection.connection_made(transport)
        return work(connection, transport, loop)

    return asyncio.run(run())


def feed_endlessly(endless: bytes, *, begin: bytes = HEAD) -> tuple[RecordingTransport, int]:
    """Returns (the transport, how many bytes the connection took)."""

    def feed(connection, transport, _):
        taken = len(begin)
        connection.data_received(begin)
        while not transport.is_closed and taken < 4 * MAX_HEAD_BYTES:
            connection.data_received(endless)
            taken += len(endless)
        return transport, taken

    return with_connection(feed)


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
    transport, taken = feed_endlessly(endless, begin=begin)
    assert transport.is_closed
    assert taken <= MAX_HEAD_BYTES + 2 * PIECE
    assert transport.written.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))


@pytest.mark.parametrize(
    "endless",
    [b"a: b\r\n" * (PIECE // 6), b"x" * PIECE],
    ids=["trailers", "one trailer"],
)
def test_trailers_without_end(endless):
    begin = HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    transport, taken = feed_endlessly(endless, begin=begin)
    assert transport.is_closed
    assert taken <= MAX_HEAD_BYTES + 2 * PIECE


def test_a_chunks_size_without_end():
    transport, _ = feed_endlessly(b";" + b"x" * PIECE, begin=HEAD + b"Transfer-Encoding: chunked\r\n\r\n1")
    assert transport.is_closed


def test_a_long_body_is_no_long_head():
    for begin in (b"Content-Length: 9999999\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n"):
        transport, taken = feed_endlessly(b"x" * PIECE, begin=HEAD + begin)
        assert not transport.is_closed
        assert taken >= 4 * MAX_HEAD_BYTES


def test_requests_one_after_another_do_not_add_up():
    def feed(connection, transport, _):
        for _ in range(100):
            connection.data_received(b"GET / HTTP/1.1\r\nHost: x\r\nlong: " + b"x" * 2_000 + b"\r\n\r\n")
        return transport

    assert not with_connection(feed).is_closed


def test_a_slow_head_ends_the_connection():
    def silent(_, transport, loop):
        assert [timer.delay_s for timer in loop.timers] == [HEAD_TIMEOUT_S]
        loop.fire_timers()
        return transport

    def slow(connection, transport, loop):
        connection.data_received(HEAD[:5])
        connection.data_received(HEAD[5:])
        assert len([timer for timer in loop.timers if not timer.is_cancelled]) == 1
        loop.fire_timers()
        return transport

    assert with_connection(silent).is_closed
    assert with_connection(slow).is_closed


def test_a_whole_head_stops_the_timer():
    def whole(connection, transport, loop):
        connection.data_received(HEAD + b"\r\n")
        loop.fire_timers()
        return transport

    assert not with_connection(whole).is_closed


def test_an_endless_head_does_not_write_into_the_answer_before_it():
    """A second head while the first request is still being answered: no 431 in the middle of that answer."""
    transport, _ = feed_endlessly(b"x" * PIECE, begin=b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nlong: ")
    assert transport.was_aborted
    assert transport.written == b""
