"""Doors that need no signature: GET /ping says that the server is alive, GET /metrics gives Prometheus its numbers."""

from naiad.service.blobs.damage_log import DamageLog
from naiad.service.domain.errors import ServiceError
from naiad.service.endpoints.serving.router import EndpointRouter
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.prometheus import CONTENT_TYPE, render_metrics


class _UnsignedDoor:
    """A path that is read without a signature. A signed request for it is one for an S3 bucket of that name."""

    path: str

    def owns(self, request: Request) -> bool:
        is_signed = "authorization" in request.headers or "X-Amz-Signature" in request.query_params
        return request.method == "GET" and request.path == self.path and not is_signed

    def max_body_bytes(self, request: Request) -> int | None:  # noqa: ARG002  # reason: the same for every request
        return None

    def error_response(self, request: Request, error: ServiceError) -> Response:
        headers = {"content-type": "text/plain", "x-amzn-requestid": request.id}
        return Response(500, headers, f"{error}\n".encode())

    def close(self) -> None: ...


class PingDoor(_UnsignedDoor):
    path = "/ping"

    async def handle(self, request: Request) -> Response:
        return Response(200, {"content-type": "text/plain", "x-amzn-requestid": request.id}, b"healthy\n")


class MetricsDoor(_UnsignedDoor):
    path = "/metrics"

    def __init__(self, endpoints: EndpointRouter, damage: DamageLog) -> None:
        self._endpoints, self._damage = endpoints, damage

    async def handle(self, request: Request) -> Response:
        text = render_metrics(self._endpoints, self._damage)
        return Response(200, {"content-type": CONTENT_TYPE, "x-amzn-requestid": request.id}, text)
