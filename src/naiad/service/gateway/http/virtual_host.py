"""S3's virtual-hosted-style requests: the bucket stands in the host's name, and the path holds only the key."""

import re

from naiad.service.gateway.http.request import Request

_HOST = re.compile(
    r"([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.s3(?:[.-][a-z]{2,}(?:-[a-z0-9]+)+|\.dualstack\.[a-z0-9-]+)?\.amazonaws\.com(?::443)?"
)


def to_path_style(request: Request) -> str:
    """Returns the path with the bucket in front, percent-encoded as sent.

    A version 4 signature is made over the path as it was sent, so only version 2 and S3's operations use this one.
    """
    match = _HOST.fullmatch(request.header("host").lower())
    return f"/{match[1]}{request.path}" if match else request.path
