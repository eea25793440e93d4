"""Kinds of hosts that clients ask for: those of the gateway, of telemetry, and all others.

Every host of S3 belongs to the gateway, whatever the bucket: a misspelt name must not send data out of the machine.
"""

import re
from enum import Enum

_REGION = r"[a-z]{2,}(?:-[a-z0-9]+)+"
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_S3 = rf"s3(?:[.-]{_REGION}|\.dualstack\.{_REGION})?\.amazonaws\.com"
_SERVED = re.compile(
    r"iam\.amazonaws\.com"
    rf"|sts(?:\.{_REGION})?\.amazonaws\.com"
    rf"|(?:logs|monitoring)\.{_REGION}\.amazonaws\.com"
    rf"|(?:[a-z0-9-]+\.)?sagemaker\.{_REGION}\.amazonaws\.com"
    rf"|(?:{_BUCKET}\.)?{_S3}"
)
_TELEMETRY = re.compile(rf"(?:sm-pysdk-t|dev-exp-t)-{_REGION}\.{_S3}")
_TLS_PORT = 443


class HostKind(Enum):
    GATEWAY = "a service that the gateway serves: TLS ends here, the bytes go to the gateway's port"
    TELEMETRY = "usage reports of the SageMaker SDKs: answered here, stored nowhere"
    OTHER = "any other host: its bytes pass unchanged"


def classify_host(host: str, port: int) -> HostKind:
    """``host``: in lower case, without a dot at its end."""
    if port != _TLS_PORT or len(host) > 253:
        return HostKind.OTHER
    if _TELEMETRY.fullmatch(host):
        return HostKind.TELEMETRY
    return HostKind.GATEWAY if _SERVED.fullmatch(host) else HostKind.OTHER
