"""The canonical request of AWS's "Create a signed AWS API request": the text over which a version 4 signature is made."""

from functools import lru_cache
from urllib.parse import quote

from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected

PAYLOAD_HEADER = "x-amz-content-sha256"
"""The header with the hash of the payload, which the canonical request holds anyway."""


def canonical_request(
    request: Request, service: str, signed_headers: list[str], payload_hash: str, *, without: str
) -> str:
    """``without``: the parameter of the query that is left out, because it is the signature itself."""
    path = request.path if service == "s3" else _canonical_path(request.path)
    query = _canonical_query(request, without) if request.query_string else ""
    headers = "".join([f"{name}:{' '.join(request.headers[name].split())}\n" for name in signed_headers])
    return f"{request.method}\n{path or '/'}\n{query}\n{headers}\n{';'.join(signed_headers)}\n{payload_hash}"


def signed_header_names(request: Request, listed: str) -> list[str]:
    """``listed``: SignedHeaders, separated by semicolons.

    Raises RequestRejected where one is missing or there twice, or too few are signed.
    """
    names = listed.split(";")
    if len(set(names)) < len(names):
        raise RequestRejected("signature", "a signed header is listed twice")
    missing = [name for name in names if name not in request.headers]
    if missing or "host" not in names:
        raise RequestRejected("signature", f"signed headers are missing: {', '.join(missing) or 'host'}")
    signed = {*names, PAYLOAD_HEADER}
    unsigned = [name for name in request.headers if name.startswith("x-amz-") and name not in signed]
    if unsigned:
        raise RequestRejected("not allowed", f"there are headers that were not signed: {', '.join(sorted(unsigned))}")
    return names


def _canonical_query(request: Request, without: str) -> str:
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in request.query_pairs if name != without
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


@lru_cache(maxsize=64)
def _canonical_path(path: str) -> str:
    """Cached: most requests have one of a few paths."""
    return quote(_normalize(path), safe="/~")


def _normalize(path: str) -> str:
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    return "/" + "/".join(segments) + ("/" if path.endswith("/") and segments else "")
