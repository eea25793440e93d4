"""A replica as the server sees it: a worker process, and the socket to it."""

import asyncio
import itertools
import json
import logging
import subprocess
import time
from typing import Protocol, cast

from naiad.service.domain.errors import ServiceError
from naiad.service.endpoints.frames import (
    FIRST_REQUEST_ID,
    MORE,
    ORIGINAL_STATUS,
    PORT_COUNTS,
    READY,
    STOP,
    Frame,
    FrameError,
    FrameUnpacker,
    decode_meta,
    encode_request_meta,
    pack_frame,
)
from naiad.service.endpoints.serving.heartbeat import Pulse
from naiad.service.endpoints.serving.invocation import Call, Reply

_LOG = logging.getLogger(__name__)
_MOST_ANSWER_BYTES = 256 * 2**20
"""Of one that is gathered, since it is held in memory. A stream has no such limit."""


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

    def on_counted(self, replica: "Replica", status: int, count: int, seconds: float) -> None:
        """count: what it answered at its own port, in so many seconds together."""


class Replica(asyncio.Protocol):
    """All calls of one turn of the loop leave in one write."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", owner: Owner, pulse: Pulse | None = None) -> None:
        self.name, self.process, self.pulse = name, process, pulse
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.ready.add_done_callback(_look_at)
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self.in_flight: dict[int, Call] = {}
        self.is_draining = False
        self.takes_more = True
        """Calls: not while it is drained or was killed."""
        self.busy_s = 0.0
        """Time during which it had at least one call."""
        self.heard_at = 0.0
        """When it last said something of a call."""
        self._busy_since = 0.0
        self._numbers = itertools.count(FIRST_REQUEST_ID)
        self._unpacker = FrameUnpacker()
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def send(self, call: Call) -> None:
        now = time.monotonic()
        if not self.in_flight:
            self._busy_since = now
        number = next(self._numbers)
        call.sent_at = now
        self.in_flight[number] = call
        meta = encode_request_meta(call.meta, timeout_s=call.timeout_s, request_id=call.request_id)
        self._say(pack_frame(number, 0, meta, call.body))

    def busy_until(self, now: float) -> float:
        return self.busy_s + (now - self._busy_since if self.in_flight else 0.0)

    def give_up(self, number: int, reply: Reply) -> None:
        """Answered by us; what it says of it from now on is not heard."""
        self._say(pack_frame(number, 0, b"", b"", flags=STOP))
        self._answered(number, reply)

    def kill(self) -> None:
        """It is lost in a moment; the walls around it end it with all that it has started."""
        self.takes_more = False
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
        except FrameError as error:
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
        if self.pulse is not None:
            self.pulse.close()
        self._owner.on_lost(self, calls)

    # --- frames

    def _take(self, frame: Frame) -> None:
        if frame.id == READY:
            self._on_ready(frame)
            return
        if frame.id == PORT_COUNTS:
            self._on_counted(frame)
            return
        call = self.in_flight.get(frame.id)
        if call is None:
            if frame.flags & MORE:  # it was given up before its stream began
                self._say(pack_frame(frame.id, 0, b"", b"", flags=STOP))
            return
        self.heard_at = time.monotonic()
        content_type, custom = decode_meta(frame.meta, 2)
        if frame.flags & MORE and call.wants_stream:
            number = frame.id
            part = Reply(frame.status, content_type, custom, frame.body)
            call.pass_on(part, lambda flag: self._steer(number, flag))
            return
        if frame.flags & MORE:
            call.gather(frame.body)
            if call.size > _MOST_ANSWER_BYTES:
                text = f"the model's answer is larger than {_MOST_ANSWER_BYTES:,} bytes: stream it, or give less"
                self.give_up(frame.id, Reply(424, "text/plain", "", text.encode()))
            return
        body = frame.body
        if call.parts and (frame.status == 200 or frame.flags & ORIGINAL_STATUS):
            body = b"".join((*call.parts, body))
        if frame.flags & ORIGINAL_STATUS:
            self._answered(frame.id, Reply(424, content_type, custom, body, original_status=frame.status))
        else:
            self._answered(frame.id, Reply(frame.status, content_type, custom, body))

    def _answered(self, number: int, reply: Reply) -> None:
        call = self.in_flight.pop(number)
        if not self.in_flight:
            self._stop_clock()
        self._owner.on_answer(self, call, reply)

    def _on_counted(self, frame: Frame) -> None:
        """It is our own worker's, but code of the user's runs beside it."""
        try:
            rows = [(int(status), int(count), float(seconds)) for status, count, seconds in json.loads(frame.body)]
        except (ValueError, TypeError) as error:
            raise FrameError("counts that are none") from error
        for status, count, seconds in rows:
            self._owner.on_counted(self, status, count, seconds)

    def _steer(self, number: int, flag: int) -> None:
        """Of a stream: the client has enough, or wants more, or has gone."""
        if number not in self.in_flight:
            return
        self.heard_at = time.monotonic()
        if flag == STOP:
            self.give_up(number, Reply(200, "", "", b""))
        else:
            self._say(pack_frame(number, 0, b"", b"", flags=flag))

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

    def _say(self, frame: bytes) -> None:
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(frame)

    def _flush(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()
