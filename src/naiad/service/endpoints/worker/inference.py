"""What the rooms of a worker give one another: an invocation, its answer, and the two ways of answering."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

STARTS_WITHIN_S = 240.0
"""Where nobody asks for another limit."""


@dataclass(frozen=True, slots=True)
class Invocation:
    body: bytes
    content_type: str = ""
    """As the client sent it, with its parameters; empty when it sent none."""
    accept: str = ""
    custom_attributes: str = ""
    """X-Amzn-SageMaker-Custom-Attributes."""
    timeout_s: float = 60.0
    """To its answer, or of a stream from one part to the next."""
    request_id: str = ""
    """Which the client and the server's log have too."""


@dataclass(frozen=True, slots=True)
class Answer:
    """status: 200; 400 (the body does not fit), 406 (Accept cannot be met), 415 (its type is not read); 424: the model failed."""

    status: int
    body: bytes | Iterator[bytes] | AsyncGenerator[bytes, None]
    """Of an error: one sentence in UTF-8. An iterator: parts, as they come, for a client that wants a stream."""
    content_type: str = "application/json"
    custom_attributes: str = ""
    original_status: int | None = None
    """Beside 424: what a program answered; the body is its own then."""

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """Of a body that is no bytes."""
        assert not isinstance(self.body, bytes)
        if isinstance(self.body, AsyncGenerator):
            async with aclosing(self.body) as body:
                async for part in body:
                    yield part
        else:
            for part in self.body:
                yield part


Reply = Callable[[Answer], Awaitable[None] | None]
"""Gives what is to be waited for: the way of a stream to whom it is for."""


class Unfit(Exception):  # reason: not an error of the program's
    """An invocation that cannot be answered, with the status to say so by: 400, 406, 415 or 424."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Gone(Exception):  # reason: not an error of the program's
    """What answers has ended. Its invocations are not answered, so that the server gives them to another replica."""


class BatchHandler(Protocol):
    """Answers several invocations at once, on the worker's only thread."""

    most_samples: int
    """How many invocations are given at most."""

    def answer(self, invocations: Sequence[Invocation]) -> list[Answer]:
        """One for each, in their order. Raises nothing but what is a fault of ours: those become 424."""


@runtime_checkable
class OneHandler(Protocol):
    """Passes each invocation on to somebody else, many at a time."""

    async def start(self, *, within_s: float = STARTS_WITHIN_S) -> None:
        """Returns when it can be asked. Raises Unfit 424, also when that takes longer."""

    async def answer(self, invocation: Invocation) -> Answer:
        """Raises Gone."""

    async def is_healthy(self) -> bool: ...

    async def ended(self) -> None:
        """Returns when it has ended by itself."""

    async def close(self) -> None: ...


class Engine(Protocol):
    """Runs an artifact's program. Not safe for threads."""

    name: str

    def run(self, raw: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """(N, *sample_shape) in the schema's dtype in; scores (N, K) out; any N of at least 1."""
