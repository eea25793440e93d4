"""The door of SageMaker's runtime: InvokeEndpoint, InvokeEndpointAsync and InvokeEndpointWithResponseStream.

It works on the event loop's thread: an invocation is over in less time than a thread would take to wake.
"""

import asyncio
import json
import logging
import re
import time

from naiad.service.domain.errors import AccessDenied, Invalid, NotFound, ServiceError
from naiad.service.endpoints.frames import encode_meta
from naiad.service.endpoints.serving.async_invocations import AsyncInvocations, AsyncRequest
from naiad.service.endpoints.serving.invocation import Invocation, InvocationResponse, NotReady
from naiad.service.endpoints.serving.router import EndpointRouter
from naiad.service.gateway.api_call import api_error_response, read_api_call
from naiad.service.gateway.http.body_budget import UnverifiedBodies
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.response import Response, iterate
from naiad.service.gateway.object_limits import check_uri
from naiad.service.gateway.protocol import event_stream
from naiad.service.gateway.protocol.route import Route
from naiad.service.gateway.protocol.serializer import serialize_error
from naiad.service.gateway.response_stream import stream_events
from naiad.service.gateway.scopes import check_scope
from naiad.service.gateway.signing.authenticator import Authenticator
from naiad.service.gateway.signing.credential import claimed_service

_LOG = logging.getLogger(__name__)
_MAX_BODY_BYTES = 25 * 2**20
"""AWS's own limit is 25 MB."""
_MAX_ERROR_BYTES = 256 * 1024
"""The part of a model's own error that a client gets."""
_PATH = re.compile(r"/endpoints/([a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})/.*")
_CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
_NOT_SERVED = {
    "x-amzn-sagemaker-target-model": "TargetModel: multi-model endpoints are not served; give each model a variant",
    "x-amzn-sagemaker-target-container-hostname": "TargetContainerHostname: an endpoint here has one container",
    "x-amzn-sagemaker-inference-component": "InferenceComponentName: inference components are not served",
    "x-amzn-sagemaker-session-id": "SessionId: sessions are not served",
}
_ERROR_CODES = {503: "ServiceUnavailable", 424: "ModelError"}


class InvocationDoor:
    def __init__(
        self,
        endpoints: EndpointRouter,
        async_invocations: AsyncInvocations,
        region: str,
        authenticator: Authenticator,
        *,
        unverified: UnverifiedBodies,
        upload_timeout_s: float,
    ) -> None:
        self._endpoints, self._async_invocations, self._region = endpoints, async_invocations, region
        self._authenticator, self._unverified, self._upload_timeout_s = authenticator, unverified, upload_timeout_s

    def owns(self, request: Request) -> bool:
        """Whether the path is that of an endpoint, and neither a target nor the signature names another service."""
        return (
            request.path.startswith("/endpoints/")
            and not request.header("x-amz-target")
            and claimed_service(request) in ("", "sagemaker")
        )

    def max_body_bytes(self, request: Request) -> int:  # noqa: ARG002  # reason: the same for every request
        return _MAX_BODY_BYTES

    async def handle(self, request: Request) -> Response:
        call = await read_api_call(
            request,
            self._authenticator,
            self._unverified,
            max_body_bytes=_MAX_BODY_BYTES,
            timeout_s=self._upload_timeout_s,
        )
        principal = call.principal
        if principal.job is not None:
            raise AccessDenied("the key of a job may not invoke endpoints")
        check_scope(principal, call.route.service, call.route.operation)
        check_uri(principal, request.header("x-amzn-sagemaker-inputlocation"))
        return await self._respond(call.route, request, call.body_or_pieces)

    def error_response(self, request: Request, error: ServiceError) -> Response:
        return api_error_response(request, error)

    def close(self) -> None: ...

    async def _respond(self, route: Route, request: Request, body: bytes | list[bytes]) -> Response:
        """Answers a verified request; the client may use the connection again after an error."""
        try:
            name = _endpoint_name(request)
            if route.operation == "InvokeEndpointAsync":
                return await self._invoke_async(name, request)
            if route.operation == "InvokeEndpointWithResponseStream":
                return await self._invoke_with_response_stream(name, request, body)
            return await self._invoke(name, request, body)
        except NotReady as error:
            _LOG.info("request %s: %s", request.id, error)
            response = serialize_error(route, error, request.id)
            return response.with_headers({"retry-after": str(error.retry_after_s)})
        except ServiceError as error:
            return serialize_error(route, error, request.id)

    async def _invoke(self, name: str, request: Request, body: bytes | list[bytes]) -> Response:
        invocation = _make_invocation(request, body, accept=request.header("accept"))
        variant = self._endpoints.submit(name, invocation, target=request.header("x-amzn-sagemaker-target-variant"))
        reply = await invocation.response
        if reply.status != 200:
            return self._model_error(name, variant.name, reply, request.id)
        headers = {
            "content-type": reply.content_type,
            "x-amzn-requestid": request.id,
            "x-amzn-invoked-production-variant": variant.name,
        }
        if reply.custom_attributes:
            headers[_CUSTOM_ATTRIBUTES] = reply.custom_attributes
        if reply.earlier:
            length = str(sum(map(len, reply.pieces)))
            return Response(200, {**headers, "content-length": length}, iterate(reply.pieces))
        return Response(200, headers, reply.body)

    async def _invoke_with_response_stream(self, name: str, request: Request, body: bytes | list[bytes]) -> Response:
        invocation = _make_invocation(request, body, accept=request.header("x-amzn-sagemaker-accept"))
        invocation.is_streaming = True
        variant = self._endpoints.submit(name, invocation, target=request.header("x-amzn-sagemaker-target-variant"))
        reply = await invocation.response
        if reply.status != 200:
            return self._model_error(name, variant.name, reply, request.id)
        headers = {
            "content-type": event_stream.CONTENT_TYPE,
            "x-amzn-requestid": request.id,
            "x-amzn-sagemaker-content-type": reply.content_type,
            "x-amzn-invoked-production-variant": variant.name,
        }
        if reply.custom_attributes:
            headers[_CUSTOM_ATTRIBUTES] = reply.custom_attributes
        return Response(200, headers, stream_events(reply, request))

    async def _invoke_async(self, name: str, request: Request) -> Response:
        """Answers when the request is on disk."""
        rollout = self._endpoints.rollout(name)
        wanted = AsyncRequest(
            endpoint=name,
            inference_id=request.header("x-amzn-sagemaker-inference-id") or request.id,
            input_location=request.header("x-amzn-sagemaker-inputlocation"),
            content_type=request.header("x-amzn-sagemaker-content-type"),
            accept=request.header("x-amzn-sagemaker-accept"),
            custom_attributes=request.header(_CUSTOM_ATTRIBUTES),
            ttl_s=_parse_seconds(request, "x-amzn-sagemaker-requestttlseconds", 21_600),
            timeout_s=_parse_seconds(request, "x-amzn-sagemaker-invocationtimeoutseconds", 900),
        )
        accepted = await self._async_invocations.accept(wanted, rollout)
        headers = {
            "content-type": "application/json",
            "x-amzn-requestid": request.id,
            "x-amzn-sagemaker-outputlocation": accepted.output_location,
            "x-amzn-sagemaker-failurelocation": accepted.failure_location,
        }
        return Response(202, headers, json.dumps({"InferenceId": accepted.inference_id}).encode())

    def _model_error(self, name: str, variant: str, reply: InvocationResponse, request_id: str) -> Response:
        """Passes on the model's own words. An input that does not fit is the client's error, a failure a ModelError."""
        original = reply.pieces[0][:_MAX_ERROR_BYTES].decode("utf-8", "replace")
        code = _ERROR_CODES.get(reply.status, "ValidationError")
        message = original
        if reply.original_status is not None:
            message = f"the model answered {reply.original_status}: {original}"
        body: dict[str, object] = {"Message": message, "ErrorCode": code}
        if reply.status == 424:
            log_group = f"/aws/sagemaker/Endpoints/{name}"
            body |= {
                "OriginalStatusCode": reply.original_status or 500,
                "OriginalMessage": original,
                "LogStreamArn": f"arn:aws:logs:{self._region}:000000000000:log-group:{log_group}",
            }
        _LOG.info("request %s: endpoint %s, variant %s: %d %s", request_id, name, variant, reply.status, message[:500])
        headers = {"content-type": "application/json", "x-amzn-requestid": request_id, "x-amzn-errortype": code}
        if reply.status == 503:
            headers["retry-after"] = "1"
        return Response(reply.status, headers, json.dumps(body).encode())


def _make_invocation(request: Request, body: bytes | list[bytes], *, accept: str) -> Invocation:
    """Raises Invalid for a header that asks for something that is not served."""
    for header, reason in _NOT_SERVED.items():
        if header in request.headers:
            raise Invalid(reason)
    meta = encode_meta(request.header("content-type"), accept, request.header(_CUSTOM_ATTRIBUTES))
    return Invocation(meta, body, asyncio.get_running_loop().create_future(), time.monotonic(), request.id)


def _endpoint_name(request: Request) -> str:
    match = _PATH.fullmatch(request.path)
    if match is None:
        raise NotFound("an endpoint's name is 1 to 63 letters, digits and hyphens")
    return match[1]


def _parse_seconds(request: Request, header: str, default: int) -> int:
    """Returns the header's value, 1 to ``default``. Raises Invalid."""
    text = request.header(header)
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text[:9]) <= default:
        raise Invalid(f"{header} is {text[:40]!r}: give whole seconds, 1 to {default}")
    return int(text)
