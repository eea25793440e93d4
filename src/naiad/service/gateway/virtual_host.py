"""S3's other form of an address: the bucket stands in the host's name, and the path holds only the key."""

import re

from naiad.service.gateway.raw import RawRequest

_HOST = re.compile(
    r"([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.s3(?:[.-][a-z]{2,}(?:-[a-z0-9]+)+|\.dualstack\.[a-z0-9-]+)?\.amazonaws\.com(?::443)?"
)


def path_style(request: RawRequest) -> str:
    """The path with the bucket in front, percent-encoded as it came. A version 4 signature is over the path as it was sent."""
    match = _HOST.fullmatch(request.header("host").lower())
    return f"/{match[1]}{request.path}" if match else request.path
