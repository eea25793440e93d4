"""Greedy batching: what has come while the last batch was computed is the next one.

Nothing waits for a timer, and nothing for company.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from naiad.service.endpoints.worker.inference import Answer, BatchHandler, Invocation, Reply

_LOG = logging.getLogger("naiad.worker")


class Batcher:
    """For the thread of its event loop, which is the worker's only one: the model runs between two looks at the sockets.

    While an answer is streamed the model is asked nothing else: it is in the middle of that one.
    """

    def __init__(
        self, handler: BatchHandler, loop: asyncio.AbstractEventLoop, *, after_batch: Callable[[], None]
    ) -> None:
        self._handler, self._loop, self._after_batch = handler, loop, after_batch
        self._waiting: deque[tuple[Invocation, Reply]] = deque()
        self._is_due = False
        self._streaming: asyncio.Task[None] | None = None

    def add(self, invocation: Invocation, reply: Reply) -> None:
        self._waiting.append((invocation, reply))
        self._look_soon()

    def _look_soon(self) -> None:
        """Behind what the sockets have for us at this moment."""
        if not self._is_due and self._waiting and self._streaming is None:
            self._is_due = True
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        self._is_due = False
        count = min(len(self._waiting), self._handler.most_samples)
        batch = [self._waiting.popleft() for _ in range(count)]
        streams = []
        for (invocation, reply), answer in zip(batch, self._answers([one for one, _ in batch]), strict=True):
            stream = _replied(invocation, reply, answer)
            if stream is not None:
                streams.append(stream)
        self._after_batch()
        if streams:
            self._streaming = self._loop.create_task(self._stream(streams))
        self._look_soon()

    async def _stream(self, streams: Sequence[Awaitable[None]]) -> None:
        for stream in streams:
            await stream
        self._streaming = None
        self._look_soon()

    def _answers(self, invocations: Sequence[Invocation]) -> list[Answer]:
        try:
            return self._handler.answer(invocations)
        except Exception as error:  # noqa: BLE001  # reason: the process's edge: the model may raise anything, and goes on
            _LOG.exception("request %s: the model failed", ", ".join(one.request_id for one in invocations))
            text = f"{type(error).__name__}: {error}"[:1024]
            return [Answer(424, text.encode("utf-8", "replace"), "text/plain")] * len(invocations)


def _replied(invocation: Invocation, reply: Reply, answer: Answer) -> Awaitable[None] | None:
    """One answer that cannot be sent is no reason for the others not to be."""
    try:
        return reply(answer)
    except Exception as error:  # noqa: BLE001  # reason: the process's edge, as above
        _LOG.exception("request %s: the answer cannot be sent", invocation.request_id)
        text = f"the answer cannot be sent: {type(error).__name__}: {error}"[:1024]
        return reply(Answer(424, text.encode("utf-8", "replace"), "text/plain"))
