"""Verifies the signature of a request, whichever of AWS's forms it has: first what it claims, then whether it is true.

The claim needs no body: a sender whose key is not known, or whose date is over, is refused before one is read.
"""

import datetime as dt

from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing import sigv2, sigv4
from naiad.service.gateway.signing.credential import ALGORITHM
from naiad.service.gateway.signing.signature import SecretOf, VerifiedSignature

Claim = sigv4.Claim | sigv2.Claim


def read_claim(request: Request, secret_of: SecretOf, now: dt.datetime) -> Claim:
    """Raises RequestRejected for an unsigned request, an unknown key, and a date that is not valid now."""
    if request.header("authorization").startswith(ALGORITHM):
        return sigv4.header_claim(request, secret_of, now)
    params = request.query_params
    if params.get("X-Amz-Algorithm") == ALGORITHM:
        return sigv4.url_claim(request, secret_of, now)
    if "Signature" in params and "AWSAccessKeyId" in params:
        return sigv2.url_claim(request, secret_of, now)
    raise RequestRejected("unsigned", "the request is not signed")


def verify_claim(request: Request, claim: Claim, *, body_hash: str) -> VerifiedSignature:
    """``body_hash``: the SHA-256 of the body in hex, for requests that do not carry it. Raises RequestRejected."""
    if isinstance(claim, sigv4.Claim):
        return sigv4.verify(request, claim, body_hash)
    return sigv2.verify(request, claim)


def verify(request: Request, secret_of: SecretOf, now: dt.datetime, *, body_hash: str) -> VerifiedSignature:
    """Reads the claim and verifies it. Raises RequestRejected."""
    return verify_claim(request, read_claim(request, secret_of, now), body_hash=body_hash)
