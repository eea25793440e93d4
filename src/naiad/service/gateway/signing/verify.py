"""Verifies the signature of a request, whichever of AWS's forms it has."""

import datetime as dt

from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing import sigv2, sigv4
from naiad.service.gateway.signing.credential import ALGORITHM
from naiad.service.gateway.signing.signature import SecretOf, VerifiedSignature


def verify(request: Request, secret_of: SecretOf, now: dt.datetime, *, body_hash: str) -> VerifiedSignature:
    """``body_hash``: the SHA-256 of the body in hex, for requests that do not carry it. Raises RequestRejected."""
    if request.header("authorization").startswith(ALGORITHM):
        return sigv4.verify_header(request, secret_of, now, body_hash)
    params = request.query_params
    if params.get("X-Amz-Algorithm") == ALGORITHM:
        return sigv4.verify_presigned_url(request, secret_of, now, body_hash)
    if "Signature" in params and "AWSAccessKeyId" in params:
        return sigv2.verify_presigned_url(request, secret_of, now)
    raise RequestRejected("unsigned", "the request is not signed")
