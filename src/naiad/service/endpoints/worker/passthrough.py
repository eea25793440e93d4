"""Invocations that somebody else answers, many at a time: an executable with a port of its own."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

from naiad.service.endpoints.worker.inference import Answer, Gone, Invocation, OneHandler, Reply

_LOG = logging.getLogger("naiad.worker")
_LOOK_EVERY_S = 5.0
_MOST_MISSES = 3


class Passing:
    """When the program has ended, the link is lost at once, and the replica replaced.

    So it is when it does not answer for its health three times in a row: while it has nothing to do, or when an invocation has
    run out of its time. A program may answer nothing else while it is at work.
    """

    def __init__(
        self,
        handler: OneHandler,
        loop: asyncio.AbstractEventLoop,
        *,
        after: Callable[[], None],
        lose: Callable[[], None],
    ) -> None:
        """lose: ends the link; what is replied from then on goes nowhere, and the server asks another replica."""
        self._handler, self._loop, self._after, self._lose = handler, loop, after, lose
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way = 0
        self._is_late = False
        """The last invocation that has ended had run out of its time."""
        self._keep(self._watch_health())
        self._keep(self._watch_end())

    def add(self, invocation: Invocation, reply: Reply) -> None:
        self._keep(self._answer(invocation, reply))

    def _keep(self, work: Coroutine[object, object, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, invocation: Invocation, reply: Reply) -> None:
        self._under_way += 1
        began = self._loop.time()
        try:
            answer = await self._handler.answer(invocation)
            self._is_late = answer.status == 424 and self._loop.time() - began >= invocation.timeout_s
            stream = reply(answer)
            self._after()
            if stream is not None:
                await stream
        except Gone as error:
            self._lose()
            reply(Answer(503, str(error).encode("utf-8", "replace"), "text/plain"))
        except Exception as error:  # noqa: BLE001  # reason: the process's edge: the program may do anything
            _LOG.exception("request %s: the program failed", invocation.request_id)
            text = f"{type(error).__name__}: {error}"[:1024]
            reply(Answer(424, text.encode("utf-8", "replace"), "text/plain"))
            self._after()
        finally:
            self._under_way -= 1

    async def _watch_health(self) -> None:
        misses = 0
        while misses < _MOST_MISSES:
            await asyncio.sleep(_LOOK_EVERY_S)
            is_busy = self._under_way > 0 and not self._is_late
            misses = 0 if is_busy or await self._handler.is_healthy() else misses + 1
        _LOG.error("the program does not answer GET /ping; the replica ends")
        self._lose()

    async def _watch_end(self) -> None:
        await self._handler.ended()
        _LOG.error("the program has ended; so does the replica")
        self._lose()
