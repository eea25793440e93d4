"""From a signed API call to its handler: parse by AWS's model, check, call, answer."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import naiad.service.gateway.operations  # noqa: F401  # reason: registers the handlers
from naiad.service.contract.instance_types import OWN_TYPES
from naiad.service.domain.errors import Denied, Invalid, NotServed, ServiceError
from naiad.service.gateway.answers import answered, failed
from naiad.service.gateway.operation import OPERATIONS, Context
from naiad.service.gateway.request import Response
from naiad.service.gateway.route import Route
from naiad.service.gateway.spec import operation_model
from naiad.service.gateway.validate import validate
from naiad.service.gateway.wire import from_form, from_json

_OF_JOBS = frozenset({("sts", "GetCallerIdentity"), ("sagemaker-metrics", "BatchPutMetrics")})
"""What the program of a job may call besides S3."""
_READS_TOO = ("InvokeEndpoint", "InvokeEndpointWithResponseStream")
_READS = ("Describe", "List", "Get", "Filter", "Search", "Simulate")
_ALSO_ALLOWED = dict.fromkeys(
    ("TrainingInstanceType", "ProcessingInstanceType", "ProductionVariantInstanceType", "TransformInstanceType"),
    OWN_TYPES,
)


def dispatch(context: Context, route: Route, body: bytes, request_id: str) -> Response:
    """Blocks. Raises only what is no ServiceError."""
    try:
        if route.protocol == "form":
            form = _form(body)
            route = replace(route, operation=form.get("Action", ""))
            output = _called(context, route, form)
        else:
            output = _called(context, route, _json(body))
    except ServiceError as error:
        return failed(route, error, request_id)
    return answered(route, output, request_id)


def changes_something(route: Route, body: bytes) -> bool:
    """Raises Invalid for a form that cannot be read."""
    name = _form(body).get("Action", "") if route.protocol == "form" else route.operation
    return not name.startswith(_READS) and name not in _READS_TOO


def _called(context: Context, route: Route, given: dict[str, Any]) -> dict[str, Any]:
    name = (route.service, route.operation)
    model = operation_model(*name) if route.operation else None
    if model is None:
        raise NotServed(f"{route.service} has no operation {route.operation[:80]!r}")
    if name not in OPERATIONS:
        raise NotServed(
            f"{route.operation} is not served by this server", hint="docs/reference/operations.md lists what is"
        )
    if context.principal.job is not None and name not in _OF_JOBS:
        raise Denied(f"the key of a job may not call {route.service}:{route.operation}")
    shape = model.input_shape
    if shape is None:
        return OPERATIONS[name](context, {})
    asked = from_form(shape, given) if route.protocol == "form" else from_json(shape, given)
    validate(shape, asked, also_allowed=_ALSO_ALLOWED)
    return OPERATIONS[name](context, asked)


def _json(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Invalid("the body is not JSON") from None
    if not isinstance(given, dict):
        raise Invalid("the body is not a JSON object")
    return given


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=2_000))
    except ValueError:
        raise Invalid("the body is not a form") from None
