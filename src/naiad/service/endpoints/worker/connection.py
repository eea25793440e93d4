"""The worker's end of the socket to the server: requests in, responses out, many frames in one write."""

import asyncio
from collections.abc import Callable, Iterator
from typing import cast

from naiad.service.endpoints.worker.link import MORE, PING, Frame, Unpacker, meta_of, packed, texts_of
from naiad.service.endpoints.worker.port import Answer, Invocation

OnInvocation = Callable[[Invocation, Callable[[Answer], None]], None]
_PART_BYTES = 1 << 20


class ServerConnection(asyncio.Protocol):
    """When the server has gone, ``gone`` is done: a worker has nobody to work for then."""

    on_invocation: OnInvocation
    """Set before the socket is connected."""

    def __init__(self, gone: "asyncio.Future[None]") -> None:
        self._gone = gone
        self._unpacker = Unpacker()
        self._known: dict[bytes, tuple[str, str, str]] = {}
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # reason: asyncio's signature
        if not self._gone.done():
            self._gone.set_result(None)

    def data_received(self, data: bytes) -> None:
        for frame in self._unpacker.feed(data):
            if frame.id == PING:
                self.say(PING, 200, b"")
            else:
                self._take(frame)

    def say(self, number: int, status: int, body: bytes) -> None:
        self._out.append(packed(number, status, b"", body))
        self.flush()

    def flush(self) -> None:
        if self._out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _take(self, frame: Frame) -> None:
        texts = self._known.get(frame.meta)
        if texts is None:
            content_type, accept, custom = texts_of(frame.meta, 3)
            texts = (content_type, accept, custom)
            if len(self._known) < 256:  # what varies from request to request would only fill it
                self._known[frame.meta] = texts
        number = frame.id
        self.on_invocation(Invocation(frame.body, *texts), lambda answer: self._answer(number, answer))

    def _answer(self, number: int, answer: Answer) -> None:
        meta = meta_of(answer.content_type, answer.custom_attributes)
        if isinstance(answer.body, bytes):
            self._out.append(packed(number, answer.status, meta, answer.body))
        else:
            self._stream(number, answer.status, meta, answer.body)

    def _stream(self, number: int, status: int, meta: bytes, parts: Iterator[bytes]) -> None:
        """Each part is sent when it is there. An error in the middle ends the response with 424."""
        try:
            for part in parts:
                for at in range(0, len(part), _PART_BYTES):
                    self._out.append(packed(number, status, meta, part[at : at + _PART_BYTES], flags=MORE))
                self.flush()
            self._out.append(packed(number, status, meta, b""))
        except Exception as error:  # noqa: BLE001  # reason: the user's generator may raise anything
            text = f"{type(error).__name__}: {error}"[:1024]
            self._out.append(packed(number, 424, meta_of("text/plain", ""), text.encode("utf-8", "replace")))
        self.flush()
