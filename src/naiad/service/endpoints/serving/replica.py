"""Replica as the server sees it: a worker process, and the socket to it."""

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
    MAX_RESPONSE_FRAME_BYTES,
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
    pack_frame_head,
)
from naiad.service.endpoints.serving.heartbeat import Heartbeat
from naiad.service.endpoints.serving.instance_limits import excess_reason
from naiad.service.endpoints.serving.invocation import Invocation, InvocationResponse, error_response
from naiad.service.walls.resource_guard import UNGUARDED, ResourceGuard

_LOG = logging.getLogger(__name__)
_MAX_RESPONSE_BYTES = 256 * 2**20
"""Limit of a response that is collected in memory. A stream has no such limit."""
_STATUSES = range(100, 600)
_MAX_COUNTS_BYTES = 64 * 1024
_MAX_COUNT = 10**6
"""Limit of the responses with one status that a replica's own port gives between two reports, a second apart."""
_MAX_SECONDS = 3600.0
_MAX_JOINED_BYTES = 2**20
"""More is not joined: the copy would hold up the loop."""
_POLL_INTERVAL_S = 0.02


class ReplicaFailed(ServiceError):
    """The replica has exited, or its model cannot be loaded."""


class ReplicaOwner(Protocol):
    """Receives the events of a replica."""

    def on_response(self, replica: "Replica", invocation: Invocation, response: InvocationResponse) -> None: ...

    def on_lost(self, replica: "Replica", invocations: list[Invocation]) -> None:
        """invocations: those that it had not answered."""

    def on_port_counts(self, replica: "Replica", status: int, count: int, seconds: float) -> None:
        """count: responses of its own port with this status. seconds: their times in total."""


class Replica(asyncio.Protocol):
    """All invocations of one iteration of the loop leave in one write."""

    def __init__(
        self,
        name: str,
        process: "subprocess.Popen[bytes]",
        owner: ReplicaOwner,
        heartbeat: Heartbeat | None = None,
        guard: ResourceGuard = UNGUARDED,
    ) -> None:
        self.name, self.process, self.heartbeat, self._guard = name, process, heartbeat, guard
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.ready.add_done_callback(_mark_retrieved)
        self.disconnected: asyncio.Future[None] = self._loop.create_future()
        self.in_flight: dict[int, Invocation] = {}
        """Invocations by the id of their frames, oldest first."""
        self.is_draining = False
        self.is_accepting = True
        """Whether it takes invocations: not while it drains, or after it was killed."""
        self.end_reason = ""
        """The limit that it went over, when it was ended for that."""
        self.busy_s = 0.0
        """Time during which it had at least one invocation."""
        self.last_message_at = 0.0
        """Time of its last message about an invocation."""
        self._busy_since = 0.0
        self._ids = itertools.count(FIRST_REQUEST_ID)
        self._unpacker = FrameUnpacker(MAX_RESPONSE_FRAME_BYTES)
        self._outgoing: list[bytes] = []
        self._outgoing_bytes = 0
        self._transport: asyncio.Transport | None = None

    def send(self, invocation: Invocation) -> None:
        now = time.monotonic()
        if not self.in_flight:
            self._busy_since = now
        frame_id = next(self._ids)
        invocation.sent_at = now
        self.in_flight[frame_id] = invocation
        meta = encode_request_meta(invocation.meta, timeout_s=invocation.timeout_s, request_id=invocation.request_id)
        pieces = (invocation.body,) if isinstance(invocation.body, bytes) else invocation.body
        self._send(pack_frame_head(frame_id, 0, meta, sum(map(len, pieces))), *pieces)

    def busy_seconds(self, now: float) -> float:
        return self.busy_s + (now - self._busy_since if self.in_flight else 0.0)

    def stop_invocation(self, frame_id: int, response: InvocationResponse) -> None:
        """Answers it in place of the replica, whose later messages about it are ignored."""
        self._send_frame(pack_frame(frame_id, 0, b"", b"", flags=STOP))
        self._finish(frame_id, response)

    def kill(self) -> None:
        """Kills the process; the sandbox ends all that it has started. Its connection is lost in a moment."""
        self.is_accepting = False
        self.process.kill()

    def end(self, reason: str) -> None:
        """Kills the process, which has gone over a limit."""
        self.end_reason = reason
        _LOG.warning("replica %s is ended: %s", self.name, reason)
        self.kill()

    async def stop(self, *, timeout_s: float) -> None:
        """Closes the socket, at which the worker exits; kills it after the timeout."""
        if self._transport is not None:
            self._transport.close()
        try:
            async with asyncio.timeout(timeout_s):
                while self.process.poll() is None:
                    await asyncio.sleep(_POLL_INTERVAL_S)
        except TimeoutError:
            self.kill()
        await asyncio.get_running_loop().run_in_executor(None, self.process.wait)

    # --- called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._unpacker.feed(data):
                self._on_frame(frame)
        except FrameError as error:
            _LOG.warning("replica %s sent %s: it is killed", self.name, error)
            self.kill()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # reason: asyncio's signature
        self._stop_busy_clock()
        invocations = list(self.in_flight.values())
        self.in_flight.clear()
        self._find_end_reason()
        if not self.ready.done():
            reason = f": {self.end_reason}" if self.end_reason else self._exit_status()
            self.ready.set_exception(ReplicaFailed(f"the process exited before its model was loaded{reason}"))
        if not self.disconnected.done():
            self.disconnected.set_result(None)
        if self.heartbeat is not None:
            self.heartbeat.close()
        self._owner.on_lost(self, invocations)

    # --- frames

    def _on_frame(self, frame: Frame) -> None:
        if frame.id == READY:
            self._on_ready(frame)
            return
        if frame.id == PORT_COUNTS:
            self._on_port_counts(frame)
            return
        invocation = self.in_flight.get(frame.id)
        if invocation is None:
            if frame.flags & MORE:  # it was stopped before its stream began
                self._send_frame(pack_frame(frame.id, 0, b"", b"", flags=STOP))
            return
        if frame.status not in _STATUSES:
            raise FrameError(f"a response with the status {frame.status}")
        self.last_message_at = time.monotonic()
        content_type, custom_attributes = decode_meta(frame.meta, 2)
        if frame.flags & MORE:
            self._on_chunk(frame, invocation, content_type, custom_attributes)
            return
        body: bytes = frame.body
        earlier: tuple[bytes, ...] = ()
        if invocation.chunks and (frame.status == 200 or frame.flags & ORIGINAL_STATUS):
            body, earlier = _join_chunks(invocation, body)
        status, original_status = (424, frame.status) if frame.flags & ORIGINAL_STATUS else (frame.status, None)
        response = InvocationResponse(
            status, content_type, custom_attributes, body, original_status=original_status, earlier=earlier
        )
        self._finish(frame.id, response)

    def _on_chunk(self, frame: Frame, invocation: Invocation, content_type: str, custom_attributes: str) -> None:
        frame_id = frame.id
        if invocation.is_streaming:
            chunk = InvocationResponse(frame.status, content_type, custom_attributes, frame.body)
            invocation.stream_chunk(chunk, lambda flag: self._control_stream(frame_id, flag))
            return
        invocation.collect_chunk(frame.body)
        if invocation.chunk_bytes > _MAX_RESPONSE_BYTES:
            message = f"the response is larger than {_MAX_RESPONSE_BYTES:,} bytes: stream it, or make it smaller"
            self.stop_invocation(frame_id, error_response(424, message))

    def _finish(self, frame_id: int, response: InvocationResponse) -> None:
        invocation = self.in_flight.pop(frame_id)
        if not self.in_flight:
            self._stop_busy_clock()
        self._owner.on_response(self, invocation, response)

    def _on_port_counts(self, frame: Frame) -> None:
        """Raises FrameError: our own worker counts, but the user's code runs in the same process."""
        for status, count, seconds in _parse_port_counts(frame.body):
            self._owner.on_port_counts(self, status, count, seconds)

    def _control_stream(self, frame_id: int, flag: int) -> None:
        """Pauses, resumes or stops a stream, as its client needs it."""
        if frame_id not in self.in_flight:
            return
        self.last_message_at = time.monotonic()
        if flag == STOP:
            self.stop_invocation(frame_id, InvocationResponse(200, "", "", b""))
        else:
            self._send_frame(pack_frame(frame_id, 0, b"", b"", flags=flag))

    def _on_ready(self, frame: Frame) -> None:
        if self.ready.done():
            return
        if frame.status == 200:
            self.ready.set_result(None)
        else:
            self._find_end_reason()
            self.ready.set_exception(ReplicaFailed(self.end_reason or frame.body.decode("utf-8", "replace")))

    def _find_end_reason(self) -> None:
        """Asks whether the kernel has refused something to a process that ends, or that cannot load its model."""
        if not self.end_reason and (excess := self._guard.held_excess()) is not None:
            self.end_reason = excess_reason(excess)

    def _stop_busy_clock(self) -> None:
        if self._busy_since:
            self.busy_s += time.monotonic() - self._busy_since
            self._busy_since = 0.0

    def _exit_status(self) -> str:
        status = self.process.poll()
        return "" if status is None else f" (exit status {status})"

    def _send_frame(self, frame: bytes) -> None:
        self._send(frame)

    def _send(self, *pieces: bytes) -> None:
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing += pieces
        self._outgoing_bytes += sum(map(len, pieces))

    def _flush(self) -> None:
        pieces, is_small = self._outgoing, self._outgoing_bytes <= _MAX_JOINED_BYTES
        self._outgoing, self._outgoing_bytes = [], 0
        if self._transport is not None and not self._transport.is_closing():
            if is_small:
                self._transport.write(b"".join(pieces))
            else:
                self._transport.writelines(pieces)


def _join_chunks(invocation: Invocation, last: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Returns a whole body, or (its last part, those before it) where it is long."""
    if invocation.chunk_bytes + len(last) <= _MAX_JOINED_BYTES:
        return b"".join((*invocation.chunks, last)), ()
    return last, tuple(invocation.chunks)


def _parse_port_counts(body: bytes) -> list[tuple[int, int, float]]:
    """Returns rows of (status, count, seconds in total). Raises FrameError."""
    if len(body) > _MAX_COUNTS_BYTES:
        raise FrameError(f"counts of {len(body):,} bytes")
    try:
        rows = [(int(status), int(count), float(seconds)) for status, count, seconds in json.loads(body)]
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise FrameError("malformed counts") from error
    for status, count, seconds in rows:
        if status not in _STATUSES or not 0 <= count <= _MAX_COUNT or not 0 <= seconds <= count * _MAX_SECONDS:
            raise FrameError("counts that no replica can have")
    return rows


def _mark_retrieved(ready: "asyncio.Future[None]") -> None:
    """Retrieves the exception, which may have no waiter any more, so that asyncio does not report it."""
    if not ready.cancelled():
        ready.exception()
