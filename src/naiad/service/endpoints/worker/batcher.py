"""Greedy batching: the requests that arrived while one batch was computed are the next batch.

No request waits for a timer or for others to arrive.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from naiad.service.endpoints.worker.handler_port import BatchHandler
from naiad.service.endpoints.worker.inference import (
    InferenceRequest,
    InferenceResponse,
    SendResponse,
    error_response,
    failure_message,
)

_LOG = logging.getLogger("naiad.worker")


class Batcher:
    """Runs the model on the event loop's thread, the worker's only one: the loop does not read sockets meanwhile.

    While a response is streamed the model gets no other request, since it is in the middle of that one.
    """

    def __init__(
        self, handler: BatchHandler, loop: asyncio.AbstractEventLoop, *, after_batch: Callable[[], None]
    ) -> None:
        self._handler, self._loop, self._after_batch = handler, loop, after_batch
        self._queue: deque[tuple[InferenceRequest, SendResponse]] = deque()
        self._is_scheduled = False
        self._streaming: asyncio.Task[None] | None = None

    def submit(self, request: InferenceRequest, send: SendResponse) -> None:
        self._queue.append((request, send))
        self._schedule()

    def _schedule(self) -> None:
        """Runs the next batch after the loop has read what the sockets hold at this moment."""
        if not self._is_scheduled and self._queue and self._streaming is None:
            self._is_scheduled = True
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        self._is_scheduled = False
        count = min(len(self._queue), self._handler.max_batch_size)
        batch = [self._queue.popleft() for _ in range(count)]
        streams = []
        for (request, send), response in zip(batch, self._handle([one for one, _ in batch]), strict=True):
            stream = _send(request, send, response)
            if stream is not None:
                streams.append(stream)
        self._after_batch()
        if streams:
            self._streaming = self._loop.create_task(self._finish_streams(streams))
        self._schedule()

    async def _finish_streams(self, streams: Sequence[Awaitable[None]]) -> None:
        for stream in streams:
            await stream
        self._streaming = None
        self._schedule()

    def _handle(self, requests: Sequence[InferenceRequest]) -> list[InferenceResponse]:
        try:
            return self._handler.handle(requests)
        except Exception as error:  # noqa: BLE001  # reason: the process's edge: the model may raise anything, and goes on
            _LOG.exception("request %s: the model failed", ", ".join(one.request_id for one in requests))
            return [error_response(424, failure_message(error))] * len(requests)


def _send(request: InferenceRequest, send: SendResponse, response: InferenceResponse) -> Awaitable[None] | None:
    """Sends one response. One that cannot be sent does not hold up the others of its batch."""
    try:
        return send(response)
    except Exception as error:  # noqa: BLE001  # reason: the process's edge, as above
        _LOG.exception("request %s: the response cannot be sent", request.request_id)
        message = f"the response cannot be sent: {type(error).__name__}: {error}"[:1024]
        return send(error_response(424, message))
