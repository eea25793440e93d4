"""Request and response of a model, as the modules of a worker exchange them."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass

MAX_MESSAGE_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    body: bytes
    content_type: str = ""
    """Header as the client sent it, with its parameters; empty when it sent none."""
    accept: str = ""
    custom_attributes: str = ""
    """X-Amzn-SageMaker-Custom-Attributes."""
    timeout_s: float = 60.0
    """Time to the response; in a stream, from one chunk to the next."""
    request_id: str = ""
    """The client and the server's log know the request by the same id."""


@dataclass(frozen=True, slots=True)
class InferenceResponse:
    """status: 200; 400 (the body does not fit), 406 (no such Accept), 415 (unknown content type), 424 (the model failed)."""

    status: int
    body: bytes | Iterator[bytes] | AsyncGenerator[bytes, None]
    """An error is one sentence in UTF-8. An iterator gives chunks as they come, for a client that wants a stream."""
    content_type: str = "application/json"
    custom_attributes: str = ""
    original_status: int | None = None
    """Status of the user's program, beside 424; the body is the program's own then."""

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yields the body; in one piece when it is bytes."""
        if isinstance(self.body, bytes):
            yield self.body
        elif isinstance(self.body, AsyncGenerator):
            async with aclosing(self.body) as body:
                async for chunk in body:
                    yield chunk
        else:
            for chunk in self.body:
                yield chunk


def error_response(status: int, message: str) -> InferenceResponse:
    return InferenceResponse(status, message.encode("utf-8", "replace"), "text/plain")


def failure_message(error: BaseException) -> str:
    """Returns the type and text of what a model, or a library, has raised."""
    return f"{type(error).__name__}: {error}"[:MAX_MESSAGE_CHARACTERS]


SendResponse = Callable[[InferenceResponse], Awaitable[None] | None]
"""Sends a response. Returns None, or for a stream an awaitable that is done when the stream has been sent."""

Dispatch = Callable[[InferenceRequest, SendResponse], None]
"""Takes a request and sees to it that its response is sent."""


class InferenceError(Exception):  # reason: not an error of the program's
    """A request that cannot be answered, or a model that cannot be loaded. status: 400, 406, 415 or 424."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ModelProcessExited(Exception):  # reason: not an error of the program's
    """The model's own process has exited. Its requests stay unanswered, so that the server gives them to another replica."""
