"""An invocation on the server's side, from the moment it is taken to its answer."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from naiad.service.domain.errors import Unavailable
from naiad.service.endpoints.frames import PAUSE, RESUME, STOP

_MOST_HELD_BYTES = 4 * 2**20
INVOCATION_TIMEOUT_S = 60.0
"""As AWS has it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """status: 200, or what went wrong: 400, 406, 415, 424 by the model; 503 when nobody could answer in time."""

    status: int
    content_type: str
    custom_attributes: str
    body: bytes
    """Of a stream: its first part."""
    more: "Parts | None" = None
    """The parts behind it, of a stream that somebody asked for; the last has no ``more`` of its own."""
    original_status: int | None = None
    """Beside 424: what the model's own program answered; the body is its own then."""


class Parts:
    """What is on its way from a replica to the client of a stream. When the client is slow, the replica pauses."""

    def __init__(self, steer: Callable[[int], None]) -> None:
        """steer: given PAUSE, GO or STOP of the link."""
        self._steer = steer
        self._queue: asyncio.Queue[Reply] = asyncio.Queue()
        self._held_bytes = 0
        self.paused_at: float | None = None

    def put(self, reply: Reply) -> None:
        self._queue.put_nowait(reply)
        self._held_bytes += len(reply.body)
        if self.paused_at is None and self._held_bytes > _MOST_HELD_BYTES:
            self.paused_at = time.monotonic()
            self._steer(PAUSE)

    async def get(self) -> Reply:
        reply = await self._queue.get()
        self._held_bytes -= len(reply.body)
        if self.paused_at is not None and self._held_bytes < _MOST_HELD_BYTES / 2:
            self.paused_at = None
            self._steer(RESUME)
        return reply

    def stop(self) -> None:
        """Nobody takes them any more; when they have ended, this does nothing."""
        self._steer(STOP)


@dataclass(slots=True)
class Call:
    meta: bytes
    """As link.meta_of(content type, accept, custom attributes) has it."""
    body: bytes
    answered: "asyncio.Future[Reply]"
    asked_at: float
    """On the monotonic clock, in seconds, as all times here."""
    request_id: str = ""
    """As the client and the logs have it."""
    timeout_s: float = INVOCATION_TIMEOUT_S
    """How long a replica may take, to its answer, or of a stream from one part to the next."""
    wants_stream: bool = False
    sent_at: float = 0.0
    tries: int = 0
    """How many replicas were lost while they answered it."""
    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    """Of the parts, in bytes."""
    stream: Parts | None = None

    @property
    def is_over(self) -> bool:
        """Answered, or nobody waits for it any more."""
        return self.answered.done() and self.stream is None

    def answer(self, reply: Reply) -> None:
        if self.stream is not None:
            self.stream.put(reply)
        elif not self.answered.done():
            self.answered.set_result(reply)

    def gather(self, body: bytes) -> None:
        """A part of an answer that is wanted as a whole."""
        self.parts.append(body)
        self.size += len(body)

    def pass_on(self, part: Reply, steer: Callable[[int], None]) -> None:
        """A part of an answer of which more is to come, for whom a stream is wanted."""
        parts = self.stream if self.stream is not None else Parts(steer)
        self.answer(replace(part, more=parts))
        self.stream = parts

    def forget(self) -> None:
        """What has come of its answer."""
        self.parts.clear()
        self.size = 0


class NotNow(Unavailable):
    """503, with when to come again."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message, hint=f"try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Full(NotNow):
    """More is waiting than can be answered in good time."""
