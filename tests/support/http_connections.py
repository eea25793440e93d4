"""A connection of the gateway without a socket: its transport records what is written, and its loop starts nothing."""

import asyncio

import uvicorn
from uvicorn.server import ServerState

from naiad.service.gateway.http.http_protocol import MAX_HEAD_BYTES, BoundedHttpProtocol

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


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


def with_connection(work, *, budget=None):
    """Returns what ``work`` returns for a new connection, its transport and its loop."""

    async def run():
        config = uvicorn.Config(empty_app, http=BoundedHttpProtocol, lifespan="off")
        config.load()
        loop, transport = FakeLoop(), RecordingTransport()
        connection = BoundedHttpProtocol(config, ServerState(), {}, loop, budget=budget)
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
