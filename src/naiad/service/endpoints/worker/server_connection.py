"""Worker's end of the socket to the server: requests in, responses out, many frames in one write."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import cast

from naiad.service.endpoints.frames import (
    MORE,
    ORIGINAL_STATUS,
    PAUSE,
    PORT_COUNTS,
    RESUME,
    STOP,
    Frame,
    FrameUnpacker,
    decode_meta,
    encode_meta,
    pack_frame,
)
from naiad.service.endpoints.worker.inference import (
    MAX_MESSAGE_CHARACTERS,
    Dispatch,
    InferenceError,
    InferenceRequest,
    InferenceResponse,
    ModelProcessExited,
    failure_message,
)

_LOG = logging.getLogger("naiad.worker")
_CHUNK_BYTES = 1 << 20
_MAX_SINGLE_FRAME_BYTES = 2 << 20
"""A larger body goes in chunks, whose number has no limit."""
_MAX_CACHED_METAS = 256


class _FlowControl:
    """State of one streamed response, as the server sets it."""

    def __init__(self) -> None:
        self.is_stopped = False
        self._is_open = asyncio.Event()
        self._is_open.set()

    def apply(self, flags: int) -> None:
        if flags & PAUSE:
            self._is_open.clear()
        if flags & STOP:
            self.is_stopped = True
        if flags & (STOP | RESUME):
            self._is_open.set()

    async def wait(self) -> None:
        """Lets the loop serve its sockets, and waits while the stream is paused."""
        await asyncio.sleep(0)
        await self._is_open.wait()


class ServerConnection(asyncio.Protocol):
    """``closed`` is done when the server has gone: then the worker has no work any more."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, make_dispatch: Callable[["ServerConnection"], Dispatch]
    ) -> None:
        """make_dispatch: gives what takes the requests of this connection. It may use the connection only later."""
        self.closed: asyncio.Future[None] = loop.create_future()
        self._unpacker = FrameUnpacker()
        self._meta_cache: dict[bytes, tuple[str, str, str, float]] = {}
        self._streams: dict[int, _FlowControl] = {}
        self._outgoing: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self.dispatch = make_dispatch(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # reason: asyncio's signature
        if not self.closed.done():
            self.closed.set_result(None)
        for stream in self._streams.values():
            stream.apply(STOP)

    def data_received(self, data: bytes) -> None:
        for frame in self._unpacker.feed(data):
            self._on_frame(frame)

    def send(self, frame_id: int, status: int, body: bytes) -> None:
        """Sends a frame that belongs to no request."""
        self._outgoing.append(pack_frame(frame_id, status, b"", body))
        self.flush()

    def report_port_counts(self, rows: list[tuple[int, int, float]]) -> None:
        """rows: (status, count, seconds in total) of what the worker's own port has answered."""
        self.send(PORT_COUNTS, 200, json.dumps(rows).encode())

    def flush(self) -> None:
        if self._outgoing and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def disconnect(self) -> None:
        """Closes the socket. The server gives the unanswered requests to another replica."""
        if self._transport is not None:
            self._transport.close()

    def _on_frame(self, frame: Frame) -> None:
        if frame.flags:
            stream = self._streams.get(frame.id)
            if stream is not None:
                stream.apply(frame.flags)
            return
        meta, _, request_id = frame.meta.rpartition(b"\n")
        texts = self._meta_cache.get(meta)
        if texts is None:
            content_type, accept, custom_attributes, timeout_s = decode_meta(meta, 4)
            texts = (content_type, accept, custom_attributes, float(timeout_s))
            if (
                len(self._meta_cache) < _MAX_CACHED_METAS
            ):  # a meta that varies from request to request would only fill it
                self._meta_cache[meta] = texts
        frame_id, request = frame.id, InferenceRequest(frame.body, *texts, request_id.decode())
        self.dispatch(request, lambda response: self._send_response(frame_id, request, response))

    def _send_response(
        self, frame_id: int, request: InferenceRequest, response: InferenceResponse
    ) -> Awaitable[None] | None:
        meta = encode_meta(response.content_type, response.custom_attributes)
        status, flags = response.status, 0
        if response.original_status is not None:
            status, flags = response.original_status, ORIGINAL_STATUS
        if not isinstance(response.body, bytes):
            return self._send_stream(frame_id, request, response, meta)
        body = response.body
        if len(body) > _MAX_SINGLE_FRAME_BYTES:
            for start in range(0, len(body), _CHUNK_BYTES):
                chunk = body[start : start + _CHUNK_BYTES]
                self._outgoing.append(pack_frame(frame_id, status, meta, chunk, flags=flags | MORE))
            body = b""
        self._outgoing.append(pack_frame(frame_id, status, meta, body, flags=flags))
        return None

    async def _send_stream(
        self, frame_id: int, request: InferenceRequest, response: InferenceResponse, meta: bytes
    ) -> None:
        """Sends each chunk as it comes. An error in the middle ends the response with 424. Raises ModelProcessExited."""
        stream = self._streams[frame_id] = _FlowControl()
        try:
            async with aclosing(response.chunks()) as chunks:
                async for chunk in chunks:
                    for start in range(0, len(chunk), _CHUNK_BYTES):
                        piece = chunk[start : start + _CHUNK_BYTES]
                        self._outgoing.append(pack_frame(frame_id, response.status, meta, piece, flags=MORE))
                        self.flush()
                        await stream.wait()
                        if stream.is_stopped:
                            return
            self._outgoing.append(pack_frame(frame_id, response.status, meta, b""))
        except ModelProcessExited:
            raise
        except Exception as error:  # noqa: BLE001  # reason: the user's generator may raise anything
            _LOG.exception("request %s: the stream broke off", request.request_id)
            text = str(error)[:MAX_MESSAGE_CHARACTERS] if isinstance(error, InferenceError) else failure_message(error)
            error_body = text.encode("utf-8", "replace")
            self._outgoing.append(pack_frame(frame_id, 424, encode_meta("text/plain", ""), error_body))
        finally:
            del self._streams[frame_id]
        self.flush()
