"""Whose a host is that a client asks for: the gateway's, telemetry's, or somebody else's.

S3's hosts are all the gateway's, every bucket of them: a misspelt name must not take data out of the machine.
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


class Goal(Enum):
    GATEWAY = "a service that the gateway serves: TLS ends here, the bytes go to its port"
    TELEMETRY = "reports of the SageMaker SDKs: answered here, kept nowhere"
    ELSEWHERE = "any other host: its bytes pass untouched"


def goal_of(host: str, port: int) -> Goal:
    """``host`` in lower case, without a dot at its end."""
    if port != _TLS_PORT or len(host) > 253:
        return Goal.ELSEWHERE
    if _TELEMETRY.fullmatch(host):
        return Goal.TELEMETRY
    return Goal.GATEWAY if _SERVED.fullmatch(host) else Goal.ELSEWHERE
