"""Invocations that somebody else answers, many at a time: an executable with a port of its own."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

from naiad.service.endpoints.worker.batcher import Reply
from naiad.service.endpoints.worker.port import Answer, Invocation, OneHandler

_LOG = logging.getLogger("naiad.worker")
_LOOK_EVERY_S = 5.0
_MOST_MISSES = 3


class Passing:
    """When the program does not answer for its health three times in a row, ``gone`` is done, and the replica is replaced."""

    def __init__(
        self,
        handler: OneHandler,
        loop: asyncio.AbstractEventLoop,
        *,
        after: Callable[[], None],
        gone: "asyncio.Future[None]",
    ) -> None:
        self._handler, self._loop, self._after, self._gone = handler, loop, after, gone
        self._tasks: set[asyncio.Task[None]] = set()
        self._keep(self._watch())

    def add(self, invocation: Invocation, reply: Reply) -> None:
        self._keep(self._answer(invocation, reply))

    def _keep(self, work: Coroutine[object, object, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, invocation: Invocation, reply: Reply) -> None:
        try:
            reply(await self._handler.answer(invocation))
        except Exception as error:  # noqa: BLE001  # reason: the process's edge: the program may do anything
            _LOG.exception("the program failed")
            text = f"{type(error).__name__}: {error}"[:1024]
            reply(Answer(424, text.encode("utf-8", "replace"), "text/plain"))
        self._after()

    async def _watch(self) -> None:
        misses = 0
        while misses < _MOST_MISSES:
            await asyncio.sleep(_LOOK_EVERY_S)
            misses = 0 if await self._handler.is_healthy() else misses + 1
        _LOG.error("the program does not answer GET /ping; the replica ends")
        if not self._gone.done():
            self._gone.set_result(None)
