"""Signatures: AWS's version 4 in headers and in URLs, and S3's version 2 in URLs, which boto3 presigns with by default.

Follows AWS's "Create a signed AWS API request". Knows secrets only through the function that it is given; reads no body.
"""

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from naiad.service.gateway.raw import RawRequest
from naiad.service.gateway.refusal import Refused
from naiad.service.gateway.virtual_host import path_style

MAX_SKEW = dt.timedelta(minutes=5)
_MAX_EXPIRES_S = 7 * 24 * 3600
_MOST_DIGITS = 20
_ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
_PAYLOAD = "x-amz-content-sha256"
"""Part of what is signed in its own right."""
SecretOf = Callable[[str], str | None]
"""The secret of an access key; None for one that may not be used."""
_V2_SUBRESOURCES = frozenset(
    [
        "accelerate",
        "acl",
        "cors",
        "defaultObjectAcl",
        "location",
        "logging",
        "partNumber",
        "policy",
        "requestPayment",
        "torrent",
        "versioning",
        "versionId",
        "versions",
        "website",
        "uploads",
        "uploadId",
        "response-content-type",
        "response-content-language",
        "response-expires",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "delete",
        "lifecycle",
        "tagging",
        "restore",
        "storageClass",
        "notification",
        "replication",
        "analytics",
        "metrics",
        "inventory",
        "select",
        "select-type",
        "object-lock",
    ]
)


@dataclass(frozen=True)
class Signed:
    """A request whose signature is right."""

    access_key: str
    service: str
    """As in the credential scope: ``s3``, ``sagemaker``, …"""
    payload: str
    """The signed digest of the body in hex, UNSIGNED-PAYLOAD, or STREAMING-…"""
    seed: str = ""
    """The signature, from which those of signed chunks go on."""
    scope: str = ""
    date: str = ""
    """As signed: 20300101T000000Z."""
    signing_key: bytes = b""
    by_url: bool = False
    """A presigned URL: made to be used again."""


@dataclass(frozen=True)
class _Claim:
    """Of a request whose signature is still to be checked; fields as in Signed."""

    access_key: str
    scope: str
    date: str
    payload: str
    by_url: bool = True


def verify(request: RawRequest, secret_of: SecretOf, now: dt.datetime, *, body_digest: str) -> Signed:
    """``body_digest``: of the body that was read, for services whose requests do not carry one. Raises Refused."""
    if request.header("authorization").startswith(_ALGORITHM):
        return _verify_header(request, secret_of, now, body_digest)
    if request.asked.get("X-Amz-Algorithm") == _ALGORITHM:
        return _verify_url(request, secret_of, now, body_digest)
    if "Signature" in request.asked and "AWSAccessKeyId" in request.asked:
        return _verify_v2_url(request, secret_of, now)
    raise Refused("missing", "the request is not signed")


def check_claim(request: RawRequest, secret_of: SecretOf, now: dt.datetime) -> None:
    """Whether a body is worth reading: of a header's claim, all but the signature itself. Raises Refused."""
    if request.header("authorization").startswith(_ALGORITHM):
        access_key, _ = _credential(_fields(request.header("authorization")).get("Credential", ""))
        _check_skew(_time(request.header("x-amz-date")), now)
        _secret(access_key, secret_of)


def service_of(request: RawRequest) -> str:
    """The service of the credential scope, unverified; s3 for what is signed otherwise, "" for what is not signed."""
    if request.header("authorization").startswith(_ALGORITHM):
        parts = _fields(request.header("authorization")).get("Credential", "").split("/")
    elif "X-Amz-Credential" in request.asked:
        parts = request.asked["X-Amz-Credential"].split("/")
    else:
        return "s3" if "AWSAccessKeyId" in request.asked else ""
    return parts[-2] if len(parts) >= 5 else ""


def _verify_header(request: RawRequest, secret_of: SecretOf, now: dt.datetime, body_digest: str) -> Signed:
    fields = _fields(request.header("authorization"))
    access_key, scope = _credential(fields.get("Credential", ""))
    date = request.header("x-amz-date")
    _check_skew(_time(date), now)
    payload = request.header("x-amz-content-sha256") or body_digest
    names = _signed_names(request, fields.get("SignedHeaders", ""))
    canonical = _canonical(request, scope, names, payload, without="")
    claim = _Claim(access_key, scope, date, payload, by_url=False)
    return _checked(claim, canonical, fields.get("Signature", ""), secret_of)


def _verify_url(request: RawRequest, secret_of: SecretOf, now: dt.datetime, body_digest: str) -> Signed:
    """S3 signs that the body is not signed, the others sign the body's digest."""
    asked = request.asked
    access_key, scope = _credential(asked.get("X-Amz-Credential", ""))
    date = asked.get("X-Amz-Date", "")
    expires_s = _whole(asked.get("X-Amz-Expires", ""), most=_MAX_EXPIRES_S)
    signed_at = _time(date)
    if signed_at - now > MAX_SKEW:
        raise Refused("skewed", "the URL was signed in the future")
    if now > signed_at + dt.timedelta(seconds=expires_s):
        raise Refused("expired", "the URL has expired")
    names = _signed_names(request, asked.get("X-Amz-SignedHeaders", ""))
    default = UNSIGNED if _service(scope) == "s3" else body_digest
    payload = request.header("x-amz-content-sha256") or asked.get("X-Amz-Content-Sha256", default)
    canonical = _canonical(request, scope, names, payload, without="X-Amz-Signature")
    return _checked(_Claim(access_key, scope, date, payload), canonical, asked.get("X-Amz-Signature", ""), secret_of)


def _verify_v2_url(request: RawRequest, secret_of: SecretOf, now: dt.datetime) -> Signed:
    asked = request.asked
    expires = _whole(asked.get("Expires", ""), most=2**40)
    if now.timestamp() > expires:
        raise Refused("expired", "the URL has expired")
    amz = sorted((name, value) for name, value in request.headers.items() if name.startswith("x-amz-"))
    wanted = sorted(pair for pair in request.query if pair[0] in _V2_SUBRESOURCES)
    resource = path_style(request)
    if resource.rfind("/") == 0 and resource != "/":
        resource += "/"  # a bucket's, however it was sent
    if wanted:
        resource += "?" + "&".join(f"{name}={value}" if value else name for name, value in wanted)
    lines = [request.method, request.header("content-md5"), request.header("content-type"), asked["Expires"]]
    text = "\n".join([*lines, *(f"{name}:{value.strip()}" for name, value in amz), resource])
    access_key = asked["AWSAccessKeyId"]
    secret = _secret(access_key, secret_of)
    expected = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()
    _compare(expected, asked["Signature"], "the signature does not match")
    return Signed(access_key, "s3", UNSIGNED, by_url=True)


def _checked(claim: _Claim, canonical: str, signature: str, secret_of: SecretOf) -> Signed:
    access_key, scope, date, payload = claim.access_key, claim.scope, claim.date, claim.payload
    day, region, service, _ = scope.split("/")
    if date[:8] != day:
        raise Refused("signature", "the credential's day is not that of the request")
    secret = _secret(access_key, secret_of)
    key = _signing_key(secret, day, region, service)
    text = f"{_ALGORITHM}\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    _compare(expected, signature, "the signature does not match; check the secret key")
    return Signed(access_key, service, payload, expected, scope, date, key, by_url=claim.by_url)


def _compare(expected: str, given: str, message: str) -> None:
    """In a time that does not tell how much of it is right. Raises Refused."""
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise Refused("signature", message)


def _canonical(request: RawRequest, scope: str, names: list[str], payload: str, *, without: str) -> str:
    is_s3 = _service(scope) == "s3"
    path = request.path if is_s3 else quote(_normal_path(request.path), safe="/~")
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in request.query if name != without
    )
    query = "&".join(f"{name}={value}" for name, value in pairs)
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names)
    return f"{request.method}\n{path or '/'}\n{query}\n{headers}\n{';'.join(names)}\n{payload}"


def _normal_path(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts) + ("/" if path.endswith("/") and parts else "")


def _signed_names(request: RawRequest, listed: str) -> list[str]:
    names = listed.split(";")
    absent = [name for name in names if name not in request.headers]
    if absent or "host" not in names:
        raise Refused("signature", f"signed headers are missing: {', '.join(absent) or 'host'}")
    known = {*names, _PAYLOAD}
    added = [name for name in request.headers if name.startswith("x-amz-") and name not in known]
    if added:
        raise Refused("not allowed", f"there are headers that were not signed: {', '.join(sorted(added))}")
    return names


def _secret(access_key: str, secret_of: SecretOf) -> str:
    secret = secret_of(access_key)
    if secret is None:
        raise Refused("unknown key", "the access key is not known here")
    return secret


@lru_cache(maxsize=1024)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _service(scope: str) -> str:
    return scope.split("/")[2]


def _credential(text: str) -> tuple[str, str]:
    """(access key, scope)."""
    parts = text.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise Refused("signature", "the credential is not ACCESS_KEY/DAY/REGION/SERVICE/aws4_request")
    return parts[0], "/".join(parts[1:])


@lru_cache(maxsize=64)
def _fields(authorization: str) -> Mapping[str, str]:
    """Asked for several times in one request."""
    pairs = (part.strip().partition("=") for part in authorization.removeprefix(_ALGORITHM).split(","))
    return {name: value for name, _, value in pairs}


@lru_cache(maxsize=64)
def _time(text: str) -> dt.datetime:
    """All requests of a second say the same."""
    try:
        return dt.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        raise Refused("signature", f"x-amz-date is not of the form 20300101T000000Z: {text[:40]!r}") from None


def _check_skew(signed_at: dt.datetime, now: dt.datetime) -> None:
    if abs(now - signed_at) > MAX_SKEW:
        raise Refused(
            "skewed", f"signed at {signed_at:%Y-%m-%dT%H:%M:%SZ}, more than five minutes from {now:%Y-%m-%dT%H:%M:%SZ}"
        )


def _whole(text: str, *, most: int) -> int:
    if not text.isdecimal() or len(text) > _MOST_DIGITS or not 1 <= int(text) <= most:
        raise Refused("signature", f"the URL's lifetime must be 1 to {most} seconds")
    return int(text)
