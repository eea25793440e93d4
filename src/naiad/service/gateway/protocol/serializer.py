"""Serializes outputs and errors in the protocol of a route, driven by the shapes of AWS's service models."""

import base64
import datetime as dt
import json
import math
from typing import Any
from xml.sax.saxutils import escape

from naiad.service.domain.errors import ServiceError
from naiad.service.gateway.errors import aws_error_code
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.protocol.route import Route
from naiad.service.gateway.protocol.service_models import operation_model, service_model, wire_name


def serialize_output(route: Route, output: dict[str, Any], request_id: str) -> Response:
    model = operation_model(route.service, route.operation)
    shape = model.output_shape if model is not None else None
    if route.protocol == "query":
        return _xml_response(200, _query_document(route, shape, output, request_id), request_id)
    body = json.dumps(to_json(shape, output) if shape is not None else {}, separators=(",", ":")).encode()
    return Response(200, {"content-type": _json_content_type(route), "x-amzn-requestid": request_id}, body)


def serialize_error(route: Route, error: ServiceError, request_id: str) -> Response:
    """S3's errors have a format of their own, see ``s3/errors.py``."""
    code, status = aws_error_code(route.service, error)
    message = str(error) if error.hint is None else f"{error}; {error.hint}"
    if route.protocol == "query":
        return _xml_response(
            status,
            f"<ErrorResponse><Error><Type>{_fault(status)}</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>",
            request_id,
        )
    headers = {"content-type": _json_content_type(route), "x-amzn-requestid": request_id, "x-amzn-errortype": code}
    body = {"__type": code, "message": message, "Message": message}
    if route.service == "cloudwatch":  # whose clients once spoke the query protocol, and look for its code
        headers["x-amzn-query-error"] = f"{code};{_fault(status)}"
    if route.protocol == "rest-json":
        del body["__type"], body["message"]
    return Response(status, headers, json.dumps(body, separators=(",", ":")).encode())


def _fault(status: int) -> str:
    return "Sender" if status < 500 else "Receiver"


def to_json(shape: Any, value: Any) -> Any:
    """Timestamps become epoch seconds, blobs base64. Members that the shape does not know are left out."""
    match shape.type_name:
        case "structure":
            return {
                wire_name(shape, name): to_json(shape.members[name], value[name])
                for name in shape.members
                if value.get(name) is not None
            }
        case "list":
            return [to_json(shape.member, item) for item in value]
        case "map":
            return {key: to_json(shape.value, item) for key, item in value.items()}
    return _scalar_to_json(shape.type_name, value)


def _scalar_to_json(type_name: str, value: Any) -> Any:
    """Returns AWS's texts for floats that JSON has no number for."""
    match type_name:
        case "timestamp":
            return round(value.timestamp(), 3)
        case "blob":
            return base64.b64encode(value).decode()
        case "float" | "double" if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def to_xml(shape: Any, value: Any, name: str) -> str:
    """Timestamps become ISO 8601 in UTC."""
    match shape.type_name:
        case "structure":
            inner = "".join(
                to_xml(shape.members[member], value[member], wire_name(shape, member))
                for member in shape.members
                if value.get(member) is not None
            )
        case "list":
            inner = "".join(to_xml(shape.member, item, "member") for item in value)
        case "map":
            inner = "".join(
                f"<entry><key>{escape(key)}</key>{to_xml(shape.value, item, 'value')}</entry>"
                for key, item in value.items()
            )
        case "timestamp":
            inner = f"{value.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
        case "boolean":
            inner = "true" if value else "false"
        case _:
            inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"


def _query_document(route: Route, shape: Any, output: dict[str, Any], request_id: str) -> str:
    namespace = service_model(route.service).metadata.get("xmlNamespace", "")
    name = route.operation
    result = to_xml(shape, output, f"{name}Result") if shape is not None else ""
    metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    return f'<{name}Response xmlns="{namespace}">{result}{metadata}</{name}Response>'


def _xml_response(status: int, text: str, request_id: str) -> Response:
    return Response(status, {"content-type": "text/xml", "x-amzn-requestid": request_id}, text.encode())


def _json_content_type(route: Route) -> str:
    if route.protocol == "rest-json":
        return "application/json"
    return f"application/x-amz-json-{'1.0' if route.service == 'cloudwatch' else '1.1'}"
