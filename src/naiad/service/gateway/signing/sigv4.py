"""AWS's version 4 signatures, in headers and in presigned URLs.

Follows AWS's "Create a signed AWS API request". Reads no body.
"""

import datetime as dt
import hashlib
import hmac
from functools import lru_cache
from typing import NamedTuple

from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.canonical_request import PAYLOAD_HEADER, canonical_request, signed_header_names
from naiad.service.gateway.signing.credential import (
    ALGORITHM,
    authorization_fields,
    parse_credential,
)
from naiad.service.gateway.signing.payload_words import check_payload_hash
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


class Claim(NamedTuple):
    """A signature that is still to be verified, of a key that is known and at a time that is valid."""

    access_key: str
    secret: str
    scope: str
    date: str
    signed_headers: str
    """Names, separated by semicolons."""
    signature: str
    is_presigned: bool


def header_claim(request: Request, secret_of: SecretOf, now: dt.datetime) -> Claim:
    """Reads the header Authorization. Raises RequestRejected for an unknown key and a wrong date."""
    fields = authorization_fields(request.header("authorization"))
    access_key, scope = parse_credential(fields.get("Credential", ""))
    date = request.header("x-amz-date")
    _check_skew(_parse_date(date), now)
    secret = secret_for(access_key, secret_of)
    signed_headers, signature = fields.get("SignedHeaders", ""), fields.get("Signature", "")
    return Claim(access_key, secret, scope, date, signed_headers, signature, is_presigned=False)


def url_claim(request: Request, secret_of: SecretOf, now: dt.datetime) -> Claim:
    """Reads the query of a presigned URL. Raises RequestRejected for an unknown key and a time that is over or to come."""
    params = request.query_params
    access_key, scope = parse_credential(params.get("X-Amz-Credential", ""))
    date = params.get("X-Amz-Date", "")
    expires_s = parse_seconds(params.get("X-Amz-Expires", ""), max_s=_MAX_EXPIRES_S)
    signed_at = _parse_date(date)
    if signed_at - now > MAX_SKEW:
        raise RequestRejected("skewed", "the URL was signed in the future")
    if now > signed_at + dt.timedelta(seconds=expires_s):
        raise RequestRejected("expired", "the URL has expired")
    secret = secret_for(access_key, secret_of)
    signed_headers, signature = params.get("X-Amz-SignedHeaders", ""), params.get("X-Amz-Signature", "")
    return Claim(access_key, secret, scope, date, signed_headers, signature, is_presigned=True)


def verify(request: Request, claim: Claim, body_hash: str) -> VerifiedSignature:
    """``body_hash``: for requests that do not carry one. Raises RequestRejected.

    URLs of S3 sign that the payload is unsigned; those of other services sign the body's hash.
    """
    day, region, service, _ = claim.scope.split("/")
    if claim.date[:8] != day:
        raise RequestRejected("signature", "the credential's day is not that of the request")
    names = signed_header_names(request, claim.signed_headers)
    payload_hash = _payload_hash(request, service, body_hash, is_presigned=claim.is_presigned)
    if service == "s3":
        check_payload_hash(payload_hash)
    without = "X-Amz-Signature" if claim.is_presigned else ""
    canonical = canonical_request(request, service, names, payload_hash, without=without)
    key = signing_key(claim.secret, day, region, service)
    text = f"{ALGORITHM}\n{claim.date}\n{claim.scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    check_equal(expected, claim.signature, "the signature does not match; check the secret key")
    return VerifiedSignature(
        claim.access_key,
        service,
        payload_hash,
        signature=expected,
        scope=claim.scope,
        date=claim.date,
        signing_key=key,
        is_presigned=claim.is_presigned,
    )


def _payload_hash(request: Request, service: str, body_hash: str, *, is_presigned: bool) -> str:
    named = request.header(PAYLOAD_HEADER)
    if named or not is_presigned:
        return named or body_hash
    return request.query_params.get("X-Amz-Content-Sha256", UNSIGNED_PAYLOAD if service == "s3" else body_hash)


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
