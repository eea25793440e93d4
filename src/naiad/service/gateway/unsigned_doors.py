"""Doors that need no signature: GET /ping says that the server is alive, GET /metrics gives Prometheus its numbers.

A page in a browser needs no signature either, so what the browser says of it is checked.
"""

import asyncio
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from naiad.service.blobs.damage_log import DamageLog
from naiad.service.contract.web_origin import foreign_page
from naiad.service.domain.errors import ServiceError
from naiad.service.endpoints.serving.router import EndpointRouter
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.prometheus import CONTENT_TYPE, render_metrics, take_snapshot
from naiad.service.gateway.rejection import RequestRejected


class _UnsignedDoor:
    """A path that is read without a signature. A signed request for it is one for an S3 bucket of that name."""

    path: str

    def __init__(self, host_names: Collection[str] | None) -> None:
        """``host_names``: names of the server besides addresses; None: it may have names that it does not know."""
        self._host_names = host_names

    def owns(self, request: Request) -> bool:
        if request.method != "GET" or request.path != self.path or "authorization" in request.headers:
            return False
        return "X-Amz-Signature" not in request.query_params

    def max_body_bytes(self, request: Request) -> int | None:  # noqa: ARG002  # reason: the same for every request
        return None

    async def handle(self, request: Request) -> Response:
        """Raises RequestRejected for the request of another site's page."""
        host, origin, fetch_site = (request.header(name) for name in ("host", "origin", "sec-fetch-site"))
        reason = foreign_page(host, origin, fetch_site, names=self._host_names)
        if reason is not None:
            raise RequestRejected("not allowed", reason)
        return await self._answer(request)

    def error_response(self, request: Request, error: ServiceError) -> Response:
        headers = {"content-type": "text/plain", "x-amzn-requestid": request.id}
        return Response(403 if isinstance(error, RequestRejected) else 500, headers, f"{error}\n".encode())

    def close(self) -> None: ...

    async def _answer(self, request: Request) -> Response:
        raise NotImplementedError


class PingDoor(_UnsignedDoor):
    path = "/ping"

    async def _answer(self, request: Request) -> Response:
        return Response(200, {"content-type": "text/plain", "x-amzn-requestid": request.id}, b"healthy\n")


class MetricsDoor(_UnsignedDoor):
    path = "/metrics"

    def __init__(self, endpoints: EndpointRouter, damage: DamageLog, host_names: Collection[str] | None) -> None:
        super().__init__(host_names)
        self._endpoints, self._damage = endpoints, damage
        self._thread = ThreadPoolExecutor(1, "naiad-metrics")

    async def _answer(self, request: Request) -> Response:
        snapshot = take_snapshot(self._endpoints, self._damage)
        text = await asyncio.get_running_loop().run_in_executor(self._thread, render_metrics, snapshot)
        return Response(200, {"content-type": CONTENT_TYPE, "x-amzn-requestid": request.id}, text)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
