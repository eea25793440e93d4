import asyncio
import socket
from collections.abc import Callable, Iterator

from naiad.service.endpoints.worker.connection import ServerConnection
from naiad.service.endpoints.worker.link import MORE, PING, Frame, Unpacker, meta_of, packed, texts_of
from naiad.service.endpoints.worker.port import Answer, Invocation


def talk(sent: list[bytes], answer: Callable[[Invocation], Answer], count: int) -> list[Frame]:
    """What the server hears until it has ``count`` frames; then it goes, which the worker must notice."""

    async def run() -> list[Frame]:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        connection = ServerConnection(gone := loop.create_future())

        def on_invocation(invocation: Invocation, reply: Callable[[Answer], None]) -> None:
            reply(answer(invocation))
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
        return frames

    return asyncio.run(run())


def test_requests_are_answered_by_their_number():
    meta = meta_of("text/plain", "a/b", "x")
    frames = talk(
        [packed(20, 0, meta, b"one"), packed(21, 0, meta, b"two")],
        lambda given: Answer(
            400,
            given.body.upper() + given.content_type.encode() + given.accept.encode(),
            "c/d",
            given.custom_attributes,
        ),
        2,
    )
    assert [(frame.id, frame.status, frame.body) for frame in frames] == [
        (20, 400, b"ONEtext/plaina/b"),
        (21, 400, b"TWOtext/plaina/b"),
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

    meta = meta_of("", "", "")
    frames = talk(
        [packed(20, 0, meta, b""), packed(21, 0, meta, b"break")], lambda given: Answer(200, parts(given), "a/b"), 5
    )
    assert [(frame.id, frame.status, frame.flags, frame.body) for frame in frames] == [
        (20, 200, MORE, b"a"),
        (20, 200, MORE, b"b"),
        (20, 200, 0, b""),
        (21, 200, MORE, b"a"),
        (21, 424, 0, b"RuntimeError: in the middle"),
    ]
