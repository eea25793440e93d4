"""S3's version 2 signatures in presigned URLs, with which boto3 presigns unless it is told otherwise."""

import base64
import datetime as dt
import hashlib
import hmac
from typing import NamedTuple

from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.virtual_host import to_path_style
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.hoisted_headers import hoisted_headers
from naiad.service.gateway.signing.session import session_token
from naiad.service.gateway.signing.signature import (
    UNSIGNED_PAYLOAD,
    SecretOf,
    VerifiedSignature,
    check_equal,
    parse_seconds,
    secret_for,
)

_MAX_EXPIRES_AT = 2**40
# fmt: off
_SUBRESOURCES = frozenset({
    "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location",
    "logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
    "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires", "restore", "select", "select-type",
    "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
})
# fmt: on
"""Parameters of the query that are signed."""


class Claim(NamedTuple):
    """A signature that is still to be verified, of a key that is known and at a time that is valid."""

    access_key: str
    secret: str


def url_claim(request: Request, secret_of: SecretOf, now: dt.datetime) -> Claim:
    """Raises RequestRejected for an unknown key, and a URL that has expired."""
    params = request.query_params
    expires_at = parse_seconds(params.get("Expires", ""), max_s=_MAX_EXPIRES_AT)
    if now.timestamp() > expires_at:
        raise RequestRejected("expired", "the URL has expired")
    access_key = params["AWSAccessKeyId"]
    return Claim(access_key, secret_for(access_key, secret_of))


def verify(request: Request, claim: Claim) -> VerifiedSignature:
    """Raises RequestRejected."""
    digest = hmac.new(claim.secret.encode(), _string_to_sign(request).encode(), hashlib.sha1).digest()
    expected, actual = base64.b64encode(digest).decode(), request.query_params["Signature"]
    check_equal(expected, actual, "the signature does not match")
    return VerifiedSignature(claim.access_key, "s3", UNSIGNED_PAYLOAD, is_presigned=True)


def _string_to_sign(request: Request) -> str:
    amz_headers = sorted({**hoisted_headers(request), **_security_token(request), **_amz_headers(request)}.items())
    lines = [
        request.method,
        request.header("content-md5"),
        request.header("content-type"),
        request.query_params["Expires"],
        *(f"{name}:{value.strip()}" for name, value in amz_headers),
        _canonical_resource(request),
    ]
    return "\n".join(lines)


def _amz_headers(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.startswith("x-amz-")}


def _security_token(request: Request) -> dict[str, str]:
    """Returns the token of a session, which is signed as a header, wherever it stands."""
    token = session_token(request)
    return {} if token is None else {"x-amz-security-token": token}


def _canonical_resource(request: Request) -> str:
    resource = to_path_style(request)
    if resource.rfind("/") == 0 and resource != "/":
        resource += "/"  # the path of a bucket, however it was sent
    subresources = sorted(pair for pair in request.query_pairs if pair[0] in _SUBRESOURCES)
    if subresources:
        resource += "?" + "&".join(f"{name}={value}" if value else name for name, value in subresources)
    return resource
