"""An invocation on the server's side, from the moment it is taken to its answer."""

import asyncio
from dataclasses import dataclass, field

from naiad.service.domain.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Reply:
    """status: 200, or what went wrong: 400, 406, 415, 424 by the model; 503 when nobody could answer in time."""

    status: int
    content_type: str
    custom_attributes: str
    body: bytes
    """Of a stream: its first part."""
    more: "asyncio.Queue[Reply] | None" = None
    """The parts behind it, of a stream that somebody asked for; the last has no ``more`` of its own."""


@dataclass(slots=True)
class Call:
    meta: bytes
    """As link.meta_of(content type, accept, custom attributes) has it."""
    body: bytes
    answered: "asyncio.Future[Reply]"
    asked_at: float
    """On the monotonic clock, in seconds, as all times here."""
    wants_stream: bool = False
    sent_at: float = 0.0
    tries: int = 0
    """How many replicas were lost while they answered it."""
    parts: list[bytes] = field(default_factory=list)
    stream: "asyncio.Queue[Reply] | None" = None

    @property
    def is_over(self) -> bool:
        """Answered, or nobody waits for it any more."""
        return self.answered.done() and self.stream is None

    def answer(self, reply: Reply) -> None:
        if self.stream is not None:
            self.stream.put_nowait(reply)
        elif not self.answered.done():
            self.answered.set_result(reply)

    def add_part(self, status: int, content_type: str, custom_attributes: str, body: bytes) -> None:
        """Of an answer of which more is to come."""
        if not self.wants_stream:
            self.parts.append(body)
            return
        queue = self.stream if self.stream is not None else asyncio.Queue[Reply]()
        self.answer(Reply(status, content_type, custom_attributes, body, queue))
        self.stream = queue


class NotNow(Unavailable):
    """503, with when to come again."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message, hint=f"try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Full(NotNow):
    """More is waiting than can be answered in good time."""
