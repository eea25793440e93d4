"""AWS's version 4 signatures, in headers and in presigned URLs.

Follows AWS's "Create a signed AWS API request". Reads no body.
"""

import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.canonical_request import PAYLOAD_HEADER, canonical_request, signed_header_names
from naiad.service.gateway.signing.credential import (
    ALGORITHM,
    authorization_fields,
    parse_credential,
    service_of_scope,
)
from naiad.service.gateway.signing.signature import (
    UNSIGNED_PAYLOAD,
    SecretOf,
    VerifiedSignature,
    check_equal,
    parse_seconds,
    secret_for,
)

MAX_SKEW = dt.timedelta(minutes=5)
_MAX_EXPIRES_S = 7 * 24 * 3600


@dataclass(frozen=True)
class _Claim:
    """Content of a signature that is still to be verified; fields as in VerifiedSignature."""

    access_key: str
    scope: str
    date: str
    payload_hash: str
    is_presigned: bool


def verify_header(request: Request, secret_of: SecretOf, now: dt.datetime, body_hash: str) -> VerifiedSignature:
    """``body_hash``: for requests that do not carry one. Raises RequestRejected."""
    fields = authorization_fields(request.header("authorization"))
    access_key, scope = parse_credential(fields.get("Credential", ""))
    date = request.header("x-amz-date")
    _check_skew(_parse_date(date), now)
    payload_hash = request.header(PAYLOAD_HEADER) or body_hash
    names = signed_header_names(request, fields.get("SignedHeaders", ""))
    canonical = canonical_request(request, service_of_scope(scope), names, payload_hash, without="")
    claim = _Claim(access_key, scope, date, payload_hash, is_presigned=False)
    return _verify(claim, canonical, fields.get("Signature", ""), secret_of)


def verify_presigned_url(request: Request, secret_of: SecretOf, now: dt.datetime, body_hash: str) -> VerifiedSignature:
    """URLs of S3 sign that the payload is unsigned; those of other services sign the body's hash. Raises RequestRejected."""
    params = request.query_params
    access_key, scope = parse_credential(params.get("X-Amz-Credential", ""))
    date = params.get("X-Amz-Date", "")
    expires_s = parse_seconds(params.get("X-Amz-Expires", ""), max_s=_MAX_EXPIRES_S)
    signed_at = _parse_date(date)
    if signed_at - now > MAX_SKEW:
        raise RequestRejected("skewed", "the URL was signed in the future")
    if now > signed_at + dt.timedelta(seconds=expires_s):
        raise RequestRejected("expired", "the URL has expired")
    names = signed_header_names(request, params.get("X-Amz-SignedHeaders", ""))
    service = service_of_scope(scope)
    default = UNSIGNED_PAYLOAD if service == "s3" else body_hash
    payload_hash = request.header(PAYLOAD_HEADER) or params.get("X-Amz-Content-Sha256", default)
    canonical = canonical_request(request, service, names, payload_hash, without="X-Amz-Signature")
    claim = _Claim(access_key, scope, date, payload_hash, is_presigned=True)
    return _verify(claim, canonical, params.get("X-Amz-Signature", ""), secret_of)


def check_claim(request: Request, secret_of: SecretOf, now: dt.datetime) -> None:
    """Checks key and date of a signature in a header, before the body is read. Raises RequestRejected."""
    if request.header("authorization").startswith(ALGORITHM):
        access_key, _ = parse_credential(authorization_fields(request.header("authorization")).get("Credential", ""))
        _check_skew(_parse_date(request.header("x-amz-date")), now)
        secret_for(access_key, secret_of)


def _verify(claim: _Claim, canonical: str, signature: str, secret_of: SecretOf) -> VerifiedSignature:
    day, region, service, _ = claim.scope.split("/")
    if claim.date[:8] != day:
        raise RequestRejected("signature", "the credential's day is not that of the request")
    key = signing_key(secret_for(claim.access_key, secret_of), day, region, service)
    text = f"{ALGORITHM}\n{claim.date}\n{claim.scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    check_equal(expected, signature, "the signature does not match; check the secret key")
    return VerifiedSignature(
        claim.access_key,
        service,
        claim.payload_hash,
        signature=expected,
        scope=claim.scope,
        date=claim.date,
        signing_key=key,
        is_presigned=claim.is_presigned,
    )


@lru_cache(maxsize=1024)
def signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for text in (day, region, service, "aws4_request"):
        key = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return key


@lru_cache(maxsize=64)
def _parse_date(text: str) -> dt.datetime:
    """Cached: all requests of one second have the same date. Raises RequestRejected."""
    try:
        return dt.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        raise RequestRejected("signature", f"x-amz-date is not of the form 20300101T000000Z: {text[:40]!r}") from None


def _check_skew(signed_at: dt.datetime, now: dt.datetime) -> None:
    if abs(now - signed_at) > MAX_SKEW:
        raise RequestRejected(
            "skewed", f"signed at {signed_at:%Y-%m-%dT%H:%M:%SZ}, more than five minutes from {now:%Y-%m-%dT%H:%M:%SZ}"
        )
