"""The worker's end of the socket to the server: requests in, responses out, many frames in one write."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import cast

from naiad.service.endpoints.frames import (
    COUNTED,
    GO,
    MORE,
    ORIGINAL,
    PAUSE,
    PING,
    STOP,
    Frame,
    Unpacker,
    meta_of,
    packed,
    texts_of,
)
from naiad.service.endpoints.worker.inference import Answer, Gone, Invocation, Reply, Unfit

_LOG = logging.getLogger("naiad.worker")
OnInvocation = Callable[[Invocation, Reply], None]
_PART_BYTES = 1 << 20
_MOST_WHOLE_BYTES = 8 << 20
"""What is more goes in parts, whose number nothing limits."""


class _Way:
    """Of one stream to the server."""

    def __init__(self) -> None:
        self.is_stopped = False
        self._is_free = asyncio.Event()
        self._is_free.set()

    def steer(self, flags: int) -> None:
        if flags & PAUSE:
            self._is_free.clear()
        if flags & STOP:
            self.is_stopped = True
        if flags & (STOP | GO):
            self._is_free.set()

    async def turn(self) -> None:
        """Lets the sockets have theirs, and waits while the server has enough."""
        await asyncio.sleep(0)
        await self._is_free.wait()


class ServerConnection(asyncio.Protocol):
    """When the server has gone, ``gone`` is done: a worker has nobody to work for then."""

    on_invocation: OnInvocation
    """Set before the socket is connected."""

    def __init__(self, gone: "asyncio.Future[None]") -> None:
        self._gone = gone
        self._unpacker = Unpacker()
        self._known: dict[bytes, tuple[str, str, str, float]] = {}
        self._ways: dict[int, _Way] = {}
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # reason: asyncio's signature
        if not self._gone.done():
            self._gone.set_result(None)
        for way in self._ways.values():
            way.steer(STOP)

    def data_received(self, data: bytes) -> None:
        for frame in self._unpacker.feed(data):
            if frame.id == PING:
                self.say(PING, 200, b"")
            else:
                self._take(frame)

    def say(self, number: int, status: int, body: bytes) -> None:
        self._out.append(packed(number, status, b"", body))
        self.flush()

    def tell(self, rows: list[tuple[int, int, float]]) -> None:
        """What was asked at the worker's own port."""
        self.say(COUNTED, 200, json.dumps(rows).encode())

    def flush(self) -> None:
        if self._out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def lose(self) -> None:
        """The server gives what is not answered yet to another replica."""
        if self._transport is not None:
            self._transport.close()

    def _take(self, frame: Frame) -> None:
        if frame.flags:
            way = self._ways.get(frame.id)
            if way is not None:
                way.steer(frame.flags)
            return
        meta, _, request_id = frame.meta.rpartition(b"\n")
        texts = self._known.get(meta)
        if texts is None:
            content_type, accept, custom, timeout_s = texts_of(meta, 4)
            texts = (content_type, accept, custom, float(timeout_s))
            if len(self._known) < 256:  # what varies from request to request would only fill it
                self._known[meta] = texts
        number, invocation = frame.id, Invocation(frame.body, *texts, request_id.decode())
        self.on_invocation(invocation, lambda answer: self._answer(number, invocation, answer))

    def _answer(self, number: int, invocation: Invocation, answer: Answer) -> Awaitable[None] | None:
        meta = meta_of(answer.content_type, answer.custom_attributes)
        status, flags = answer.status, 0
        if answer.original_status is not None:
            status, flags = answer.original_status, ORIGINAL
        if not isinstance(answer.body, bytes):
            return self._stream(number, invocation, answer, meta)
        body = answer.body
        if len(body) > _MOST_WHOLE_BYTES:
            for at in range(0, len(body), _PART_BYTES):
                self._out.append(packed(number, status, meta, body[at : at + _PART_BYTES], flags=flags | MORE))
            body = b""
        self._out.append(packed(number, status, meta, body, flags=flags))
        return None

    async def _stream(self, number: int, invocation: Invocation, answer: Answer, meta: bytes) -> None:
        """Each part is sent when it is there. An error in the middle ends the response with 424. Raises Gone."""
        way = self._ways[number] = _Way()
        try:
            async with aclosing(answer.parts()) as parts:
                async for part in parts:
                    for at in range(0, len(part), _PART_BYTES):
                        self._out.append(packed(number, answer.status, meta, part[at : at + _PART_BYTES], flags=MORE))
                        self.flush()
                        await way.turn()
                        if way.is_stopped:
                            return
            self._out.append(packed(number, answer.status, meta, b""))
        except Gone:
            raise
        except Exception as error:  # noqa: BLE001  # reason: the user's generator may raise anything
            _LOG.exception("request %s: the stream broke off", invocation.request_id)
            text = f"{'' if isinstance(error, Unfit) else f'{type(error).__name__}: '}{error}"[:1024]
            self._out.append(packed(number, 424, meta_of("text/plain", ""), text.encode("utf-8", "replace")))
        finally:
            del self._ways[number]
        self.flush()
