"""A verified call of AWS's API, other than S3: its whole body, its signature and its route."""

import hashlib
from typing import NamedTuple

from naiad.service.domain.errors import ServiceError
from naiad.service.gateway.dispatch import is_change
from naiad.service.gateway.http.body import read_body
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.protocol.route import Route, find_route
from naiad.service.gateway.protocol.serializer import serialize_error
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.authenticator import Authenticator
from naiad.service.gateway.signing.credential import claimed_service, signed_service
from naiad.service.gateway.signing.signature import VerifiedSignature

_SMALL_BYTES = 64 * 1024
"""The longest body that is read before its sender's key and date are checked."""


class ApiCall(NamedTuple):
    route: Route
    body: bytes
    signature: VerifiedSignature


async def read_api_call(
    request: Request, authenticator: Authenticator, *, max_body_bytes: int, timeout_s: float
) -> ApiCall:
    """Raises RequestRejected, NotServed for a service that is not served, Invalid for a form that cannot be read."""
    service = signed_service(request)
    length = request.content_length
    if length is None or length > _SMALL_BYTES:
        authenticator.check_claim(request)
    body = await read_body(request, max_bytes=max_body_bytes, timeout_s=timeout_s)
    body_hash = hashlib.sha256(body).hexdigest()
    verified = authenticator.verify(request, body_hash=body_hash)
    if verified.payload_hash != body_hash:
        raise RequestRejected("digest", "the body is not the one that was signed")
    route = find_route(request, service)
    if route.protocol == "query" and not body:
        body = request.query_string.encode()  # a presigned URL has the form there
    if is_change(route, body):
        authenticator.check_replay(verified)
    return ApiCall(route, body, verified)


def api_error_response(request: Request, error: ServiceError) -> Response:
    """Returns the error in the protocol of the route, as far as it can be told."""
    try:
        route = find_route(request, claimed_service(request))
    except ServiceError:
        route = Route("sagemaker", "json")
    return serialize_error(route, error, request.id)
