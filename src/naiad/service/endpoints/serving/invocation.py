"""Invocation on the server's side: the request, its response, and the stream of a response that comes in chunks."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from naiad.service.domain.errors import Unavailable
from naiad.service.endpoints.frames import PAUSE, RESUME, STOP

_MAX_BUFFERED_BYTES = 4 * 2**20
INVOCATION_TIMEOUT_S = 60.0
"""AWS's limit."""


@dataclass(frozen=True, slots=True)
class InvocationResponse:
    """status: 200; 400, 406, 415 or 424 from the model; 503 when no replica could answer in time."""

    status: int
    content_type: str
    custom_attributes: str
    body: bytes
    """The first chunk, when a stream follows."""
    stream: "ResponseStream | None" = None
    """Gives the chunks that follow, for a client that wants a stream. The last chunk has none."""
    original_status: int | None = None
    """Status of the model's own program, beside 424; the body is the program's own then."""
    earlier: tuple[bytes, ...] = ()
    """Parts of a long body that come before ``body``: joining 256 MiB would hold up the loop."""

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """The whole body in order."""
        return (*self.earlier, self.body)


def error_response(status: int, message: str) -> InvocationResponse:
    return InvocationResponse(status, "text/plain", "", message.encode())


class ResponseStream:
    """Chunks on their way from a replica to a client. The replica pauses while the client is slow."""

    def __init__(self, control: Callable[[int], None]) -> None:
        """control: sends PAUSE, RESUME or STOP to the replica."""
        self._control = control
        self._queue: asyncio.Queue[InvocationResponse] = asyncio.Queue()
        self._buffered_bytes = 0
        self.paused_at: float | None = None

    def put(self, chunk: InvocationResponse) -> None:
        self._queue.put_nowait(chunk)
        self._buffered_bytes += len(chunk.body)
        if self.paused_at is None and self._buffered_bytes > _MAX_BUFFERED_BYTES:
            self.paused_at = time.monotonic()
            self._control(PAUSE)

    async def get(self) -> InvocationResponse:
        chunk = await self._queue.get()
        self._buffered_bytes -= len(chunk.body)
        if self.paused_at is not None and self._buffered_bytes < _MAX_BUFFERED_BYTES / 2:
            self.paused_at = None
            self._control(RESUME)
        return chunk

    def stop(self) -> None:
        """Tells the replica that the client has gone. Does nothing after the end of the stream."""
        self._control(STOP)


@dataclass(slots=True)
class Invocation:
    meta: bytes
    """Content type, accept and custom attributes, from ``frames.encode_meta``."""
    body: bytes | Sequence[bytes]
    """Pieces where it is long."""
    response: "asyncio.Future[InvocationResponse]"
    received_at: float
    """Seconds on the monotonic clock, like all times here."""
    request_id: str = ""
    """The client and the logs know the request by the same id."""
    timeout_s: float = INVOCATION_TIMEOUT_S
    """Time that a replica may take to its response; in a stream, from one chunk to the next."""
    is_streaming: bool = False
    """Whether the client wants the response as a stream."""
    sent_at: float = 0.0
    count: int = 1
    """Number of equal invocations that it stands for, in the metrics."""
    lost_replicas: int = 0
    """Number of replicas that were lost while they answered it."""
    chunks: list[bytes] = field(default_factory=list)
    """Chunks that have arrived of a response that is wanted as a whole."""
    chunk_bytes: int = 0
    stream: ResponseStream | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it has its response, or its client has gone."""
        return self.response.done() and self.stream is None

    def respond(self, response: InvocationResponse) -> None:
        if self.stream is not None:
            self.stream.put(response)
        elif not self.response.done():
            self.response.set_result(response)

    def collect_chunk(self, body: bytes) -> None:
        self.chunks.append(body)
        self.chunk_bytes += len(body)

    def stream_chunk(self, chunk: InvocationResponse, control: Callable[[int], None]) -> None:
        """Passes on a chunk that is not the last. control: as ``ResponseStream`` has it."""
        stream = self.stream if self.stream is not None else ResponseStream(control)
        self.respond(replace(chunk, stream=stream))
        self.stream = stream

    def discard_chunks(self) -> None:
        self.chunks.clear()
        self.chunk_bytes = 0


class NotReady(Unavailable):
    """The endpoint cannot take the invocation now: 503, with the time to retry after."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message, hint=f"try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class QueueFull(NotReady):
    """The variant's queue holds as many invocations as can be answered in good time."""
