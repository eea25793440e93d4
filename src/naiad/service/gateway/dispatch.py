"""Dispatches a verified API call to its handler: parse by AWS's model, validate, call, serialize."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import naiad.service.gateway.operations  # noqa: F401  # reason: registers the handlers
from naiad.service.contract.instance_types import LOCAL_TYPES
from naiad.service.domain.errors import AccessDenied, NotServed, ServiceError
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.object_limits import check_request
from naiad.service.gateway.operation import OPERATIONS, Services, Shape
from naiad.service.gateway.operations.job_permissions import JOB_OPERATIONS, check_own_job
from naiad.service.gateway.protocol.parser import form_action, from_form, from_json, load_form, load_json
from naiad.service.gateway.protocol.route import Route
from naiad.service.gateway.protocol.serializer import serialize_error, serialize_output
from naiad.service.gateway.protocol.service_models import operation_model
from naiad.service.gateway.protocol.validate import validate
from naiad.service.gateway.scopes import check_scope
from naiad.service.gateway.signing.authenticator import Principal

_ALLOWED_FOR_JOBS = frozenset(
    {
        ("sts", "AssumeRole"),
        ("sts", "GetCallerIdentity"),
        ("sts", "GetSessionToken"),
        ("sagemaker-metrics", "BatchPutMetrics"),
        *(("sagemaker", name) for name in JOB_OPERATIONS),
    }
)
"""Operations that the program of a job may call, besides S3."""
_INVOCATIONS = ("InvokeEndpoint", "InvokeEndpointWithResponseStream")
_READ_PREFIXES = ("Describe", "List", "Get", "Filter", "Search", "Simulate")
_FURTHER_ENUM_VALUES = dict.fromkeys(
    ("TrainingInstanceType", "ProcessingInstanceType", "ProductionVariantInstanceType", "TransformInstanceType"),
    LOCAL_TYPES,
)


def dispatch(services: Services, principal: Principal, route: Route, body: bytes, request_id: str) -> Response:
    """Blocks. Every ServiceError becomes a response."""
    try:
        if route.protocol == "query":
            form = load_form(body)
            route = replace(route, operation=form.get("Action", ""))
            output = _call_operation(services, principal, route, form)
        else:
            output = _call_operation(services, principal, route, load_json(body))
    except ServiceError as error:
        return serialize_error(route, error, request_id)
    return serialize_output(route, output, request_id)


def is_change(route: Route, body: bytes) -> bool:
    """Whether the operation may change something. Raises Invalid for a form that cannot be read."""
    name = form_action(body) if route.protocol == "query" else route.operation
    return not name.startswith(_READ_PREFIXES) and name not in _INVOCATIONS


def _call_operation(services: Services, principal: Principal, route: Route, wire_input: Mapping[str, Any]) -> Shape:
    """``wire_input``: as it came, before it is parsed by the operation's shape."""
    name = (route.service, route.operation)
    model = operation_model(*name) if route.operation else None
    if model is None:
        raise NotServed(f"{route.service} has no operation {route.operation[:80]!r}")
    if name not in OPERATIONS:
        raise NotServed(
            f"{route.operation} is not served by this server", hint="docs/reference/operations.md lists what is"
        )
    if principal.job is None:
        check_scope(principal, *name)
    elif name not in _ALLOWED_FOR_JOBS:
        raise AccessDenied(f"the key of a job may not call {route.service}:{route.operation}")
    shape = model.input_shape
    if shape is None:
        return OPERATIONS[name](services, principal, {})
    request = from_form(shape, wire_input) if route.protocol == "query" else from_json(shape, wire_input)
    validate(shape, request, also_allowed=_FURTHER_ENUM_VALUES)
    if principal.job is not None:
        check_own_job(principal.job, route.operation, request)
    else:
        check_request(principal, request)
    return OPERATIONS[name](services, principal, request)
