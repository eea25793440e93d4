"""The door of AWS's APIs with JSON and forms. It owns every request that no other door owns."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from naiad.service.domain.errors import ServiceError
from naiad.service.gateway.api_call import api_error_response, read_api_call
from naiad.service.gateway.dispatch import dispatch
from naiad.service.gateway.http.body_budget import UnverifiedBodies
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.operation import Services
from naiad.service.gateway.signing.authenticator import Authenticator

_MAX_BODY_BYTES = 2**20
"""AWS's own limit of most services. JSON is parsed in one step, during which no other thread runs."""
_THREADS = 16


class ApiDoor:
    def __init__(
        self, services: Services, authenticator: Authenticator, unverified: UnverifiedBodies, upload_timeout_s: float
    ) -> None:
        self._services, self._authenticator, self._unverified = services, authenticator, unverified
        self._upload_timeout_s = upload_timeout_s
        self._threads = ThreadPoolExecutor(_THREADS, "naiad-api")

    def owns(self, request: Request) -> bool:  # noqa: ARG002  # reason: the last row of the table
        return True

    def max_body_bytes(self, request: Request) -> int:  # noqa: ARG002  # reason: the same for every request
        return _MAX_BODY_BYTES

    async def handle(self, request: Request) -> Response:
        call = await read_api_call(
            request,
            self._authenticator,
            self._unverified,
            max_body_bytes=_MAX_BODY_BYTES,
            timeout_s=self._upload_timeout_s,
        )
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, dispatch, self._services, call.principal, call.route, call.received.join(), request.id
        )

    def error_response(self, request: Request, error: ServiceError) -> Response:
        return api_error_response(request, error)

    def close(self) -> None:
        """Waits for the operations that have begun."""
        self._threads.shutdown(wait=True, cancel_futures=True)
