"""Dispatcher for requests that another process answers, many at a time: an executable with a port of its own."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

from naiad.service.endpoints.worker.handler_port import PassthroughHandler
from naiad.service.endpoints.worker.inference import (
    InferenceRequest,
    ModelProcessExited,
    SendResponse,
    error_response,
    failure_message,
)

_LOG = logging.getLogger("naiad.worker")
_HEALTH_CHECK_INTERVAL_S = 5.0
_MAX_FAILED_CHECKS = 3


class Passthrough:
    """Disconnects from the server when the process has exited, or is not healthy three times in a row.

    The server then replaces the replica. Health is checked while the process has no request, and after a request has timed out:
    a program may answer nothing else while it is at work.
    """

    def __init__(
        self,
        handler: PassthroughHandler,
        loop: asyncio.AbstractEventLoop,
        *,
        after_response: Callable[[], None],
        disconnect: Callable[[], None],
    ) -> None:
        """disconnect: closes the connection to the server, which then gives unanswered requests to another replica."""
        self._handler, self._loop = handler, loop
        self._after_response, self._disconnect = after_response, disconnect
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_flight = 0
        self._has_timed_out = False
        """Whether the request that ended last had run out of its time."""
        self._start_task(self._watch_health())
        self._start_task(self._watch_exit())

    def submit(self, request: InferenceRequest, send: SendResponse) -> None:
        self._start_task(self._handle(request, send))

    def _start_task(self, work: Coroutine[object, object, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, request: InferenceRequest, send: SendResponse) -> None:
        self._in_flight += 1
        started_at = self._loop.time()
        try:
            response = await self._handler.handle(request)
            self._has_timed_out = response.status == 424 and self._loop.time() - started_at >= request.timeout_s
            stream = send(response)
            self._after_response()
            if stream is not None:
                await stream
        except ModelProcessExited as error:
            self._disconnect()
            send(error_response(503, str(error)))
        except Exception as error:  # noqa: BLE001  # reason: the process's edge: the program may do anything
            _LOG.exception("request %s: the program failed", request.request_id)
            send(error_response(424, failure_message(error)))
            self._after_response()
        finally:
            self._in_flight -= 1

    async def _watch_health(self) -> None:
        failed_checks = 0
        while failed_checks < _MAX_FAILED_CHECKS:
            await asyncio.sleep(_HEALTH_CHECK_INTERVAL_S)
            is_busy = self._in_flight > 0 and not self._has_timed_out
            failed_checks = 0 if is_busy or await self._handler.is_healthy() else failed_checks + 1
        _LOG.error("the program does not answer GET /ping; the replica ends")
        self._disconnect()

    async def _watch_exit(self) -> None:
        await self._handler.wait_exited()
        _LOG.error("the program has exited; so does the replica")
        self._disconnect()
