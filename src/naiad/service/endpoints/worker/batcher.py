"""Greedy batching: what has come while the last batch was computed is the next one.

Nothing waits for a timer, and nothing for company.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from naiad.service.endpoints.worker.port import Answer, BatchHandler, Invocation

_LOG = logging.getLogger("naiad.worker")
Reply = Callable[[Answer], None]


class Batcher:
    """For the thread of its event loop, which is the worker's only one: the model runs between two looks at the sockets."""

    def __init__(
        self, handler: BatchHandler, loop: asyncio.AbstractEventLoop, *, after_batch: Callable[[], None]
    ) -> None:
        self._handler, self._loop, self._after_batch = handler, loop, after_batch
        self._waiting: deque[tuple[Invocation, Reply]] = deque()
        self._is_due = False

    def add(self, invocation: Invocation, reply: Reply) -> None:
        self._waiting.append((invocation, reply))
        self._look_soon()

    def _look_soon(self) -> None:
        """Behind what the sockets have for us at this moment."""
        if not self._is_due and self._waiting:
            self._is_due = True
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        self._is_due = False
        count = min(len(self._waiting), self._handler.most_samples)
        batch = [self._waiting.popleft() for _ in range(count)]
        for (_, reply), answer in zip(batch, self._answers([one for one, _ in batch]), strict=True):
            reply(answer)
        self._after_batch()
        self._look_soon()

    def _answers(self, invocations: Sequence[Invocation]) -> list[Answer]:
        try:
            return self._handler.answer(invocations)
        except Exception as error:  # noqa: BLE001  # reason: the process's edge: the model may raise anything, and goes on
            _LOG.exception("the model failed")
            text = f"{type(error).__name__}: {error}"[:1024]
            return [Answer(424, text.encode("utf-8", "replace"), "text/plain")] * len(invocations)
