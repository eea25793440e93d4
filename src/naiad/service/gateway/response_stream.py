"""The body of InvokeEndpointWithResponseStream: an event for each piece of the model's answer."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

from naiad.service.endpoints.serving.invocation import InvocationResponse, ResponseStream
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.protocol.event_stream import encode_exception, encode_payload_part

_MAX_ERROR_BYTES = 256 * 1024
_MAX_PART_BYTES = 2**20
"""A part is copied and summed in one step; a model may send 64 MiB at once."""
_LOG = logging.getLogger(__name__)


async def stream_events(reply: InvocationResponse, request: Request) -> AsyncIterator[bytes]:
    """Yields encoded events. A model that fails ends the stream with an exception; a client that leaves stops the model.

    The body of the request was read: the next message that ``request.receive`` returns is the client's end of the connection.
    """
    disconnected = asyncio.ensure_future(request.receive())
    more: ResponseStream | None = None
    try:
        while True:
            if reply.status != 200:
                text = reply.body[:_MAX_ERROR_BYTES].decode("utf-8", "replace")
                _LOG.info("request %s: the stream broke off: %s", request.id, text[:500])
                yield encode_exception("ModelStreamError", text, "ModelInvocationFailed")
                return
            for start in range(0, len(reply.body), _MAX_PART_BYTES):
                yield encode_payload_part(reply.body[start : start + _MAX_PART_BYTES])
            more = reply.stream
            if more is None:
                return
            following = asyncio.ensure_future(more.get())
            await asyncio.wait((following, disconnected), return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                following.cancel()
                return
            reply = following.result()
    finally:
        disconnected.cancel()
        with suppress(asyncio.CancelledError):
            await disconnected
        if more is not None:
            more.stop()
