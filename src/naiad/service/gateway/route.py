"""Which operation of which service a request is for."""

import re
from dataclasses import dataclass

from naiad.service.domain.errors import NotServed
from naiad.service.gateway.raw import RawRequest
from naiad.service.gateway.spec import SCOPES, TARGETS

_RUNTIME = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations|invocations-response-stream)")
RUNTIME_OPERATIONS = {
    "invocations": "InvokeEndpoint",
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}


@dataclass(frozen=True)
class Route:
    """protocol: json (the body is the input), form (``Action=…`` in the body), rest (parts of the path too), or s3."""

    service: str
    protocol: str
    operation: str = ""
    """Empty where the body has to say."""


def route(request: RawRequest, scope: str) -> Route:
    """``scope``: the service of the credential scope. Raises NotServed."""
    target = request.header("x-amz-target")
    if target:
        prefix, _, name = target.rpartition(".")
        if prefix not in TARGETS:
            raise NotServed(f"the service of {target[:80]!r} is not served here")
        return Route(TARGETS[prefix], "json", name)
    if scope == "sagemaker":
        return _rest(request)
    if scope in SCOPES:
        return Route(SCOPES[scope], "form")
    if scope == "s3":
        return Route("s3", "s3")
    raise NotServed(f"the service {scope!r} is not served here")


def _rest(request: RawRequest) -> Route:
    if request.method == "PUT" and request.path == "/BatchPutMetrics":
        return Route("sagemaker-metrics", "rest", "BatchPutMetrics")
    match = _RUNTIME.fullmatch(request.path)
    if match and request.method == "POST":
        return Route("sagemaker-runtime", "rest", RUNTIME_OPERATIONS[match[2]])
    raise NotServed(f"{request.method} {request.path[:80]} is no operation of SageMaker's")
