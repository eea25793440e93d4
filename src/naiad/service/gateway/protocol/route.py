"""The route of an API request: which operation of which service it is for, and in which of AWS's protocols."""

import re
from dataclasses import dataclass
from typing import Literal

from naiad.service.domain.errors import NotServed
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.protocol.service_models import QUERY_SERVICES, TARGET_PREFIXES

_RUNTIME = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations|invocations-response-stream)")
RUNTIME_OPERATIONS = {
    "invocations": "InvokeEndpoint",
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}


@dataclass(frozen=True)
class Route:
    service: str
    """botocore's name."""
    protocol: Literal["json", "query", "rest-json"]
    """botocore's name: the body is JSON, a form with ``Action=…``, or JSON with parts of the input in the path and headers."""
    operation: str = ""
    """Empty for the query protocol, until the body was read."""


def find_route(request: Request, service: str) -> Route:
    """``service``: that of the credential scope. Raises NotServed."""
    target = request.header("x-amz-target")
    if target:
        prefix, _, name = target.rpartition(".")
        if prefix not in TARGET_PREFIXES:
            raise NotServed(f"the service of {target[:80]!r} is not served here")
        return Route(TARGET_PREFIXES[prefix], "json", name)
    if service == "sagemaker":
        return _find_rest_route(request)
    if service in QUERY_SERVICES:
        return Route(QUERY_SERVICES[service], "query")
    raise NotServed(f"the service {service!r} is not served here")


def _find_rest_route(request: Request) -> Route:
    if request.method == "PUT" and request.path == "/BatchPutMetrics":
        return Route("sagemaker-metrics", "rest-json", "BatchPutMetrics")
    match = _RUNTIME.fullmatch(request.path)
    if match and request.method == "POST":
        return Route("sagemaker-runtime", "rest-json", RUNTIME_OPERATIONS[match[2]])
    raise NotServed(f"{request.method} {request.path[:80]} is no operation of SageMaker's")
