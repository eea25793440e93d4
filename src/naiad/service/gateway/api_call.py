"""A verified call of AWS's API, other than S3: its whole body, its caller and its route."""

from typing import NamedTuple

from naiad.service.domain.errors import ServiceError
from naiad.service.gateway.dispatch import is_change
from naiad.service.gateway.http.body import ReceivedBody, read_body
from naiad.service.gateway.http.body_budget import UnverifiedBodies
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.protocol.parser import MAX_FORM_BYTES
from naiad.service.gateway.protocol.route import Route, find_route
from naiad.service.gateway.protocol.serializer import serialize_error
from naiad.service.gateway.protocol.service_models import QUERY_SERVICES
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.authenticator import Authenticator, Principal
from naiad.service.gateway.signing.credential import claimed_service, signed_service

_BODY_TIMEOUT_S, _MIN_BYTES_PER_S = 10.0, 256 * 1024
_MAX_JOINED_BYTES = 2**20


class ApiCall(NamedTuple):
    route: Route
    received: ReceivedBody
    principal: Principal

    @property
    def body_or_pieces(self) -> bytes | list[bytes]:
        """The body; its pieces where it is long, since joining them would hold up the loop."""
        return self.received.join() if self.received.size <= _MAX_JOINED_BYTES else self.received.pieces


async def read_api_call(
    request: Request,
    authenticator: Authenticator,
    unverified: UnverifiedBodies,
    *,
    max_body_bytes: int,
    timeout_s: float,
) -> ApiCall:
    """Raises RequestRejected, AccessDenied, NotServed for an unknown service, Invalid for a form that cannot be read."""
    service = signed_service(request)
    claim = await authenticator.read_claim(request)
    if service in QUERY_SERVICES and not request.header("x-amz-target"):
        max_body_bytes = min(max_body_bytes, MAX_FORM_BYTES)
    size_bytes = _expected_bytes(request, max_body_bytes)
    budget = unverified.budget_of(size_bytes)
    if not budget.take_now(size_bytes):
        await budget.take(size_bytes)
    try:
        allowed_s = min(timeout_s, allowed_seconds(size_bytes))
        received = await read_body(request, max_bytes=max_body_bytes, timeout_s=allowed_s)
        verified = authenticator.verify_claim(request, claim, body_hash=received.sha256)
    finally:
        budget.give_back(size_bytes)
    if verified.payload_hash != received.sha256:
        raise RequestRejected("digest", "the body is not the one that was signed")
    route = find_route(request, service)
    if route.protocol == "query" and not received.size:
        form = request.query_string.encode()  # a presigned URL has the form there
        received = ReceivedBody([form], len(form), received.sha256)
    if is_change(route, received.join() if route.protocol == "query" else b""):
        authenticator.check_replay(verified)
    job = await authenticator.find_job(verified.permanent_key)  # again: it may have ended while the body came
    return ApiCall(route, received, authenticator.principal_of(verified, job))


def allowed_seconds(size_bytes: int) -> float:
    """Returns how long a body may take that holds a place before its sender is known."""
    return _BODY_TIMEOUT_S + size_bytes / _MIN_BYTES_PER_S


def _expected_bytes(request: Request, max_body_bytes: int) -> int:
    """Returns the declared length, which the parser of HTTP holds the body to; the limit for a body in chunks."""
    if "transfer-encoding" in request.headers:
        return max_body_bytes
    return min(request.content_length or 0, max_body_bytes)


def api_error_response(request: Request, error: ServiceError) -> Response:
    """Returns the error in the protocol of the route, as far as it can be told."""
    try:
        route = find_route(request, claimed_service(request))
    except ServiceError:
        route = Route("sagemaker", "json")
    return serialize_error(route, error, request.id)
