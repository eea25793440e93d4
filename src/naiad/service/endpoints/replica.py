"""A replica as the server sees it: a worker process, and the socket to it."""

import asyncio
import itertools
import logging
import subprocess
import time
from typing import Protocol, cast

from naiad.service.domain.errors import ServiceError
from naiad.service.endpoints.calls import Call, Reply
from naiad.service.endpoints.worker.link import FIRST_ID, MORE, READY, Broken, Frame, Unpacker, packed, texts_of

_LOG = logging.getLogger(__name__)


class ReplicaFailed(ServiceError):
    """It has ended, or said that its model cannot be loaded."""


def _look_at(ready: "asyncio.Future[None]") -> None:
    """Nobody may be waiting for it any more."""
    if not ready.cancelled():
        ready.exception()


class Owner(Protocol):
    """Who is told what becomes of a replica."""

    def on_answer(self, replica: "Replica", call: Call, reply: Reply) -> None: ...

    def on_lost(self, replica: "Replica", calls: list[Call]) -> None:
        """calls: those that it had not answered."""


class Replica(asyncio.Protocol):
    """All calls of one turn of the loop leave in one write."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", owner: Owner) -> None:
        self.name, self.process = name, process
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.ready.add_done_callback(_look_at)
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self.in_flight: dict[int, Call] = {}
        self.is_draining = False
        self.busy_s = 0.0
        """Time during which it had at least one call."""
        self._busy_since = 0.0
        self._numbers = itertools.count(FIRST_ID)
        self._unpacker = Unpacker()
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def send(self, call: Call) -> None:
        now = time.monotonic()
        if not self.in_flight:
            self._busy_since = now
        if not self._out:
            self._loop.call_soon(self._flush)
        number = next(self._numbers)
        call.sent_at = now
        self.in_flight[number] = call
        self._out.append(packed(number, 0, call.meta, call.body))

    def busy_until(self, now: float) -> float:
        return self.busy_s + (now - self._busy_since if self.in_flight else 0.0)

    def oldest_sent_at(self) -> float | None:
        """Calls are sent in the order of their numbers, so the first one is the oldest."""
        return next((call.sent_at for call in self.in_flight.values()), None)

    def kill(self) -> None:
        """It is lost in a moment; the walls around it end it with all that it has started."""
        self.process.kill()

    async def end(self, *, within_s: float) -> None:
        """Its socket is closed, and it ends by itself, or is killed."""
        if self._transport is not None:
            self._transport.close()
        try:
            async with asyncio.timeout(within_s):
                while self.process.poll() is None:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            self.kill()
        await asyncio.get_running_loop().run_in_executor(None, self.process.wait)

    # --- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._unpacker.feed(data):
                self._take(frame)
        except Broken as error:
            _LOG.warning("replica %s sent %s: it is ended", self.name, error)
            self.kill()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # reason: asyncio's signature
        self._stop_clock()
        calls = list(self.in_flight.values())
        self.in_flight.clear()
        if not self.ready.done():
            self.ready.set_exception(ReplicaFailed(f"the process ended before its model was loaded{self._status()}"))
        if not self.gone.done():
            self.gone.set_result(None)
        self._owner.on_lost(self, calls)

    # --- frames

    def _take(self, frame: Frame) -> None:
        if frame.id == READY:
            self._on_ready(frame)
            return
        content_type, custom = texts_of(frame.meta, 2)
        if frame.flags & MORE:
            call = self.in_flight.get(frame.id)
            if call is not None:
                call.add_part(frame.status, content_type, custom, frame.body)
            return
        call = self.in_flight.pop(frame.id, None)
        if call is None:
            return
        if not self.in_flight:
            self._stop_clock()
        body = b"".join((*call.parts, frame.body)) if call.parts else frame.body
        self._owner.on_answer(self, call, Reply(frame.status, content_type, custom, body))

    def _on_ready(self, frame: Frame) -> None:
        if self.ready.done():
            return
        if frame.status == 200:
            self.ready.set_result(None)
        else:
            self.ready.set_exception(ReplicaFailed(frame.body.decode("utf-8", "replace")))

    def _stop_clock(self) -> None:
        if self._busy_since:
            self.busy_s += time.monotonic() - self._busy_since
            self._busy_since = 0.0

    def _status(self) -> str:
        status = self.process.poll()
        return "" if status is None else f" (exit status {status})"

    def _flush(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()
