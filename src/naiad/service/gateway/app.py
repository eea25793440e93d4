"""The gateway as an ASGI application: gives each request to the door that owns it.

A request: id → door → bounds of its head and body → the door's answer, or an error in the door's format
"""

import itertools
import logging
import secrets
from collections.abc import Sequence

from naiad.service.domain.errors import ServiceError
from naiad.service.gateway.door import Door
from naiad.service.gateway.http.request import Receive, Request, Scope
from naiad.service.gateway.http.response import Response, Send, send_response
from naiad.service.gateway.rejection import RequestRejected

_LOG = logging.getLogger(__name__)
_MAX_HEADERS = 128
_MAX_HEADER_BYTES = 32 * 1024
_PROCESS_ID = secrets.token_hex(8)
"""The beginning of the ids of this server's requests."""


class Gateway:
    def __init__(self, doors: Sequence[Door]) -> None:
        """``doors``: as ``doors.open_doors`` returns them; the last one owns every request."""
        self._doors = doors
        self._numbers = itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request.from_asgi(scope, receive, f"{_PROCESS_ID}{next(self._numbers):016x}")
        response = await self._answer(request)
        await send_response(response, send, without_body=request.method == "HEAD")

    def close(self) -> None:
        for door in self._doors:
            door.close()

    async def _answer(self, request: Request) -> Response:
        door = self._door_of(request)
        try:
            max_body_bytes = door.max_body_bytes(request)
            if max_body_bytes is not None:
                _check_bounds(request, max_body_bytes)
            return await door.handle(request)
        except ServiceError as error:
            response = door.error_response(request, error)
        except Exception:  # noqa: BLE001  # reason: the process's edge: logged once, with the id that the client has too
            _LOG.exception("request %s: %s %s failed", request.id, request.method, request.path[:200])
            fault = ServiceError(f"an internal error; the server's log has request {request.id}")
            response = door.error_response(request, fault)
        return response.with_headers({"connection": "close"})  # the body may be unread

    def _door_of(self, request: Request) -> Door:
        for door in self._doors:
            if door.owns(request):
                return door
        raise LookupError(f"no door owns {request.method} {request.path[:200]}; the last door must own every request")


def _check_bounds(request: Request, max_body_bytes: int) -> None:
    """Raises RequestRejected."""
    size = sum(map(len, request.headers)) + sum(map(len, request.headers.values()))
    if len(request.headers) > _MAX_HEADERS or size > _MAX_HEADER_BYTES:
        raise RequestRejected("too large", "the headers are too many or too long")
    length = request.content_length
    if length is not None and length > max_body_bytes:
        declared = request.header("content-length")
        raise RequestRejected(
            "too large", f"a body of {declared} bytes is larger than the {max_body_bytes:,} allowed here"
        )
