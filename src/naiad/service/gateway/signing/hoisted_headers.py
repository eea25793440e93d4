"""Headers that a presigned URL carries in its query, where some SDKs put those that a browser cannot be told to send."""

from naiad.service.gateway.http.header_syntax import is_header
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected

_PREFIX = "x-amz-"
_OF_THE_SIGNATURE = frozenset(
    f"{_PREFIX}{name}"
    for name in (
        "algorithm",
        "content-sha256",
        "credential",
        "date",
        "expires",
        "security-token",
        "signature",
        "signedheaders",
    )
)


def hoisted_headers(request: Request) -> dict[str, str]:
    """Returns the headers in the query of a presigned URL, names in lower case; they are signed with it.

    Raises RequestRejected for a name or a value that cannot stand in a header.
    """
    pairs = ((name.lower(), value) for name, value in request.query_pairs)
    headers = {name: value for name, value in pairs if name.startswith(_PREFIX) and name not in _OF_THE_SIGNATURE}
    for name, value in headers.items():
        if not is_header(name, value):
            raise RequestRejected("not allowed", f"{name[:40]!r} in the query of a presigned URL cannot be a header")
    return headers
