"""Answers in the form of each protocol: outputs and errors."""

import json
from typing import Any
from xml.sax.saxutils import escape

from naiad.service.domain.errors import ServiceError
from naiad.service.gateway.errors import code_of
from naiad.service.gateway.request import Response
from naiad.service.gateway.route import Route
from naiad.service.gateway.spec import operation_model, service_model
from naiad.service.gateway.wire import to_json, to_xml


def answered(route: Route, output: dict[str, Any], request_id: str) -> Response:
    model = operation_model(route.service, route.operation)
    shape = model.output_shape if model is not None else None
    if route.protocol == "form":
        return _xml(200, _form_answer(route, shape, output, request_id), request_id)
    body = json.dumps(to_json(shape, output) if shape is not None else {}, separators=(",", ":")).encode()
    return Response(200, {"content-type": _json_type(route), "x-amzn-requestid": request_id}, body)


def failed(route: Route, error: ServiceError, request_id: str) -> Response:
    """Not for S3, whose door has its own."""
    code, status = code_of(route.service, error)
    message = str(error) if error.hint is None else f"{error}; {error.hint}"
    if route.protocol == "form":
        kind = "Sender" if status < 500 else "Receiver"
        return _xml(
            status,
            f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>",
            request_id,
        )
    headers = {"content-type": _json_type(route), "x-amzn-requestid": request_id, "x-amzn-errortype": code}
    body = {"__type": code, "message": message, "Message": message}
    if route.protocol == "rest":
        del body["__type"], body["message"]
    return Response(status, headers, json.dumps(body, separators=(",", ":")).encode())


def _form_answer(route: Route, shape: Any, output: dict[str, Any], request_id: str) -> str:
    namespace = service_model(route.service).metadata.get("xmlNamespace", "")
    name = route.operation
    result = to_xml(shape, output, f"{name}Result") if shape is not None else ""
    meta = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    return f'<{name}Response xmlns="{namespace}">{result}{meta}</{name}Response>'


def _xml(status: int, text: str, request_id: str) -> Response:
    return Response(status, {"content-type": "text/xml", "x-amzn-requestid": request_id}, text.encode())


def _json_type(route: Route) -> str:
    if route.protocol == "rest":
        return "application/json"
    return f"application/x-amz-json-{'1.0' if route.service == 'cloudwatch' else '1.1'}"
