import asyncio
import socket
from collections.abc import Callable, Iterator

from naiad.service.endpoints.frames import (
    MORE,
    ORIGINAL_STATUS,
    PAUSE,
    RESUME,
    STOP,
    Frame,
    FrameUnpacker,
    decode_meta,
    encode_meta,
    encode_request_meta,
    pack_frame,
)
from naiad.service.endpoints.worker.inference import InferenceRequest, InferenceResponse, SendResponse
from naiad.service.endpoints.worker.server_connection import ServerConnection


def request_meta(*texts: str) -> bytes:
    return encode_request_meta(encode_meta(*texts), timeout_s=60, request_id="r-1")


def exchange(sent: list[bytes], respond: Callable[[InferenceRequest], InferenceResponse], count: int) -> list[Frame]:
    """Returns the first ``count`` frames that the server receives. Then the server goes, which the worker must notice."""

    async def run() -> list[Frame]:
        loop = asyncio.get_running_loop()
        server_end, worker_end = socket.socketpair()
        streams = []

        def dispatch(request: InferenceRequest, send: SendResponse) -> None:
            stream = send(respond(request))
            if stream is not None:
                streams.append(asyncio.ensure_future(stream))
            connection.flush()

        connection = ServerConnection(loop, lambda _: dispatch)
        await loop.create_unix_connection(lambda: connection, sock=worker_end)
        reader, writer = await asyncio.open_unix_connection(sock=server_end)
        writer.write(b"".join(sent))
        frames, unpacker = [], FrameUnpacker()
        while len(frames) < count:
            frames += unpacker.feed(await asyncio.wait_for(reader.read(65_536), 10))
        writer.close()
        await asyncio.wait_for(connection.closed, 10)
        await asyncio.gather(*streams)
        return frames

    return asyncio.run(run())


def test_responses_have_the_id_of_their_request():
    def respond(request: InferenceRequest) -> InferenceResponse:
        words = (request.content_type, request.accept, request.request_id)
        body = request.body.upper() + "".join(words).encode()
        return InferenceResponse(400, body, "c/d", request.custom_attributes)

    meta = request_meta("text/plain", "a/b", "x")
    frames = exchange([pack_frame(20, 0, meta, b"one"), pack_frame(21, 0, meta, b"two")], respond, 2)
    assert [(frame.id, frame.status, frame.body) for frame in frames] == [
        (20, 400, b"ONEtext/plaina/br-1"),
        (21, 400, b"TWOtext/plaina/br-1"),
    ]
    assert decode_meta(frames[0].meta, 2) == ["c/d", "x"]


def test_streams_and_streams_that_break_off():
    def chunks(request: InferenceRequest) -> Iterator[bytes]:
        yield b"a"
        if request.body == b"break":
            raise RuntimeError("in the middle")
        yield b"b"

    meta = request_meta("", "", "")
    frames = exchange(
        [pack_frame(20, 0, meta, b""), pack_frame(21, 0, meta, b"break")],
        lambda request: InferenceResponse(200, chunks(request), "a/b"),
        5,
    )
    assert [(frame.id, frame.status, frame.flags, frame.body) for frame in sorted(frames, key=lambda one: one.id)] == [
        (20, 200, MORE, b"a"),
        (20, 200, MORE, b"b"),
        (20, 200, 0, b""),
        (21, 200, MORE, b"a"),
        (21, 424, 0, b"RuntimeError: in the middle"),
    ]


def test_a_response_of_any_size_is_sent_in_chunks():
    body = b"0123456789" * 7_000_000
    request = pack_frame(20, 0, request_meta("", "", ""), b"")
    frames = exchange([request], lambda _: InferenceResponse(200, body, "a/b"), 68)
    assert {frame.flags for frame in frames[:-1]} == {MORE}
    assert frames[-1].flags == 0
    assert b"".join(frame.body for frame in frames) == body


def test_the_status_of_a_program_is_sent_unchanged():
    response = InferenceResponse(424, b"no", "a/b", original_status=404)
    (frame,) = exchange([pack_frame(20, 0, request_meta("", "", ""), b"")], lambda _: response, 1)
    assert (frame.status, frame.flags, frame.body) == (404, ORIGINAL_STATUS, b"no")


def stream_endlessly(*flags: int) -> tuple[int, bool]:
    """Returns the number of writes after the server has sent its flags, and whether the generator was closed."""
    closed = []

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            closed.append(1)

    async def run() -> int:
        loop = asyncio.get_running_loop()
        streams = []

        def dispatch(_request: InferenceRequest, send: SendResponse) -> None:
            streams.append(asyncio.ensure_future(send(InferenceResponse(200, endless(), "a/b"))))

        connection = ServerConnection(loop, lambda _: dispatch)
        writes: list[bytes] = []
        connection._transport = RecordingTransport(writes)
        connection.data_received(pack_frame(20, 0, request_meta("", "", ""), b""))
        while len(writes) < 3:
            await asyncio.sleep(0)
        for flag in flags:
            connection.data_received(pack_frame(20, 0, b"", b"", flags=flag))
        for _ in range(10):
            await asyncio.sleep(0)
        count = len(writes)
        for _ in range(10):
            await asyncio.sleep(0)
        later = len(writes) - count
        connection.connection_lost(None)
        await asyncio.gather(*streams)
        return later

    return asyncio.run(run()), bool(closed)


class RecordingTransport:
    def __init__(self, writes: list[bytes]) -> None:
        self.writes = writes

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def is_closing(self) -> bool:
        return False


def test_the_server_pauses_and_stops_a_stream():
    assert stream_endlessly()[0] > 0
    assert stream_endlessly(PAUSE) == (0, True)
    assert stream_endlessly(PAUSE, RESUME)[0] > 0
    assert stream_endlessly(STOP) == (0, True)
