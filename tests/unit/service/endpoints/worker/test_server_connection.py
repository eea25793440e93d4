import asyncio
import socket
from collections.abc import Callable, Iterator

from naiad.service.endpoints.frames import (
    GO,
    MORE,
    ORIGINAL,
    PAUSE,
    PING,
    STOP,
    Frame,
    Unpacker,
    meta_of,
    packed,
    request_meta,
    texts_of,
)
from naiad.service.endpoints.worker.inference import Answer, Invocation, Reply
from naiad.service.endpoints.worker.server_connection import ServerConnection


def request(*texts: str) -> bytes:
    return request_meta(meta_of(*texts), timeout_s=60, request_id="r-1")


def talk(sent: list[bytes], answer: Callable[[Invocation], Answer], count: int) -> list[Frame]:
    """What the server hears until it has ``count`` frames; then it goes, which the worker must notice."""

    async def run() -> list[Frame]:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        connection = ServerConnection(gone := loop.create_future())

        streams = []

        def on_invocation(invocation: Invocation, reply: Reply) -> None:
            stream = reply(answer(invocation))
            if stream is not None:
                streams.append(asyncio.ensure_future(stream))
            connection.flush()

        connection.on_invocation = on_invocation
        await loop.create_unix_connection(lambda: connection, sock=theirs)
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        writer.write(b"".join(sent))
        frames, unpacker = [], Unpacker()
        while len(frames) < count:
            frames += unpacker.feed(await asyncio.wait_for(reader.read(65_536), 10))
        writer.close()
        await asyncio.wait_for(gone, 10)
        await asyncio.gather(*streams)
        return frames

    return asyncio.run(run())


def test_requests_are_answered_by_their_number():
    meta = request("text/plain", "a/b", "x")
    frames = talk(
        [packed(20, 0, meta, b"one"), packed(21, 0, meta, b"two")],
        lambda given: Answer(
            400,
            given.body.upper() + given.content_type.encode() + given.accept.encode() + given.request_id.encode(),
            "c/d",
            given.custom_attributes,
        ),
        2,
    )
    assert [(frame.id, frame.status, frame.body) for frame in frames] == [
        (20, 400, b"ONEtext/plaina/br-1"),
        (21, 400, b"TWOtext/plaina/br-1"),
    ]
    assert texts_of(frames[0].meta, 2) == ["c/d", "x"]


def test_a_ping_is_answered():
    (frame,) = talk([packed(PING, 0, b"", b"")], lambda _: Answer(200, b""), 1)
    assert (frame.id, frame.status) == (PING, 200)


def test_streams_and_streams_that_break_off():
    def parts(invocation: Invocation) -> Iterator[bytes]:
        yield b"a"
        if invocation.body == b"break":
            raise RuntimeError("in the middle")
        yield b"b"

    meta = request("", "", "")
    frames = talk(
        [packed(20, 0, meta, b""), packed(21, 0, meta, b"break")], lambda given: Answer(200, parts(given), "a/b"), 5
    )
    assert [(frame.id, frame.status, frame.flags, frame.body) for frame in sorted(frames, key=lambda one: one.id)] == [
        (20, 200, MORE, b"a"),
        (20, 200, MORE, b"b"),
        (20, 200, 0, b""),
        (21, 200, MORE, b"a"),
        (21, 424, 0, b"RuntimeError: in the middle"),
    ]


def test_an_answer_of_any_size_goes_in_parts():
    whole = b"0123456789" * 7_000_000
    meta = request("", "", "")
    frames = talk([packed(20, 0, meta, b"")], lambda _: Answer(200, whole, "a/b"), 68)
    assert {frame.flags for frame in frames[:-1]} == {MORE}
    assert frames[-1].flags == 0
    assert b"".join(frame.body for frame in frames) == whole


def test_what_a_program_answered_goes_as_it_is():
    meta = request("", "", "")
    (frame,) = talk([packed(20, 0, meta, b"")], lambda _: Answer(424, b"no", "a/b", original_status=404), 1)
    assert (frame.status, frame.flags, frame.body) == (404, ORIGINAL, b"no")


def steered(*flags: int) -> tuple[int, bool]:
    """Of an endless stream: how many writes there were after the server had sent its flags; whether the generator was closed."""
    closed = []

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            closed.append(1)

    async def run() -> int:
        loop = asyncio.get_running_loop()
        connection = ServerConnection(loop.create_future())
        written: list[bytes] = []
        connection._transport = Transport(written)
        streams = []
        connection.on_invocation = lambda _, reply: streams.append(
            asyncio.ensure_future(reply(Answer(200, endless(), "a/b")))
        )
        connection.data_received(packed(20, 0, request("", "", ""), b""))
        while len(written) < 3:
            await asyncio.sleep(0)
        for flag in flags:
            connection.data_received(packed(20, 0, b"", b"", flags=flag))
        for _ in range(10):
            await asyncio.sleep(0)
        count = len(written)
        for _ in range(10):
            await asyncio.sleep(0)
        more = len(written) - count
        connection.connection_lost(None)
        await asyncio.gather(*streams)
        return more

    return asyncio.run(run()), bool(closed)


class Transport:
    def __init__(self, written: list[bytes]) -> None:
        self.written = written

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False


def test_the_server_pauses_a_stream_and_ends_it():
    assert steered()[0] > 0
    assert steered(PAUSE) == (0, True)
    assert steered(PAUSE, GO)[0] > 0
    assert steered(STOP) == (0, True)
