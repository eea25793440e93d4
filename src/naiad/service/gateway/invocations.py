"""The runtime's door: InvokeEndpoint and its two kin, from a verified request to a replica and back. On the loop's thread, since
each of them is over in less time than a thread would take to wake.
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from naiad.service.domain.errors import Invalid, NotFound, ServiceError
from naiad.service.endpoints.frames import meta_of
from naiad.service.endpoints.serving.asynchronous import AsyncInvocations, AsyncRequest
from naiad.service.endpoints.serving.invocation import Call, NotNow, Parts, Reply
from naiad.service.endpoints.serving.manager import EndpointManager
from naiad.service.gateway.answers import failed
from naiad.service.gateway.event_stream import CONTENT_TYPE, failure, payload_part
from naiad.service.gateway.raw import RawRequest
from naiad.service.gateway.request import Response
from naiad.service.gateway.route import Route

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_LOG = logging.getLogger(__name__)
MOST_BYTES = 25 * 2**20
"""Of a body; AWS's own limit is 25 MB."""
_PATH = re.compile(r"/endpoints/([a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})/.*")
_CUSTOM = "x-amzn-sagemaker-custom-attributes"
_NOT_SERVED = {
    "x-amzn-sagemaker-target-model": "TargetModel: multi-model endpoints are not served; give each model a variant",
    "x-amzn-sagemaker-target-container-hostname": "TargetContainerHostname: an endpoint here has one container",
    "x-amzn-sagemaker-inference-component": "InferenceComponentName: inference components are not served",
    "x-amzn-sagemaker-session-id": "SessionId: sessions are not served",
}
_CODES = {503: "ServiceUnavailable", 424: "ModelError"}


@dataclass(frozen=True)
class InvocationDoor:
    endpoints: EndpointManager
    asynchronous: AsyncInvocations
    region: str

    async def handle(self, route: Route, raw: RawRequest, body: bytes, request_id: str, receive: Receive) -> Response:
        """receive: of ASGI, the request's body behind it: what comes next is that the client has gone."""
        try:
            name = _name(raw)
            if route.operation == "InvokeEndpointAsync":
                return await self._later(name, raw, request_id)
            if route.operation == "InvokeEndpointWithResponseStream":
                return await self._streamed(name, raw, body, request_id, receive)
            return await self._invoked(name, raw, body, request_id)
        except NotNow as error:
            _LOG.info("request %s: %s", request_id, error)
            response = failed(route, error, request_id)
            headers = {**response.headers, "retry-after": str(error.retry_after_s)}
            return Response(response.status, headers, response.body)
        except ServiceError as error:
            return failed(route, error, request_id)

    async def _invoked(self, name: str, raw: RawRequest, body: bytes, request_id: str) -> Response:
        call = self._call(raw, body, request_id, accept=raw.header("accept"))
        variant = self.endpoints.submit(name, call, target=raw.header("x-amzn-sagemaker-target-variant"))
        reply = await call.answered
        if reply.status != 200:
            return self._refused(name, variant.plan.name, reply, request_id)
        headers = {
            "content-type": reply.content_type,
            "x-amzn-requestid": request_id,
            "x-amzn-invoked-production-variant": variant.plan.name,
        }
        if reply.custom_attributes:
            headers[_CUSTOM] = reply.custom_attributes
        return Response(200, headers, reply.body)

    async def _streamed(self, name: str, raw: RawRequest, body: bytes, request_id: str, receive: Receive) -> Response:
        call = self._call(raw, body, request_id, accept=raw.header("x-amzn-sagemaker-accept"))
        call.wants_stream = True
        variant = self.endpoints.submit(name, call, target=raw.header("x-amzn-sagemaker-target-variant"))
        reply = await call.answered
        if reply.status != 200:
            return self._refused(name, variant.plan.name, reply, request_id)
        headers = {
            "content-type": CONTENT_TYPE,
            "x-amzn-requestid": request_id,
            "x-amzn-sagemaker-content-type": reply.content_type,
            "x-amzn-invoked-production-variant": variant.plan.name,
        }
        if reply.custom_attributes:
            headers[_CUSTOM] = reply.custom_attributes
        return Response(200, headers, _parts(reply, request_id, receive))

    async def _later(self, name: str, raw: RawRequest, request_id: str) -> Response:
        """Kept on disk before it is answered."""
        plan = self.endpoints.plan_of(name)
        if not plan.asynchronous:
            raise Invalid(f"endpoint {name} has no AsyncInferenceConfig; invoke it, or give its configuration one")
        asked = AsyncRequest(
            endpoint=name,
            inference_id=raw.header("x-amzn-sagemaker-inference-id") or request_id,
            input_location=raw.header("x-amzn-sagemaker-inputlocation"),
            content_type=raw.header("x-amzn-sagemaker-content-type"),
            accept=raw.header("x-amzn-sagemaker-accept"),
            custom_attributes=raw.header(_CUSTOM),
            ttl_s=_seconds(raw, "x-amzn-sagemaker-requestttlseconds", 21_600),
            timeout_s=_seconds(raw, "x-amzn-sagemaker-invocationtimeoutseconds", 900),
        )
        kept = await self.asynchronous.accept(asked, plan)
        headers = {
            "content-type": "application/json",
            "x-amzn-requestid": request_id,
            "x-amzn-sagemaker-outputlocation": kept.output_location,
            "x-amzn-sagemaker-failurelocation": kept.failure_location,
        }
        return Response(202, headers, json.dumps({"InferenceId": kept.inference_id}).encode())

    @staticmethod
    def _call(raw: RawRequest, body: bytes, request_id: str, *, accept: str) -> Call:
        for header, reason in _NOT_SERVED.items():
            if header in raw.headers:
                raise Invalid(reason)
        loop = asyncio.get_running_loop()
        meta = meta_of(raw.header("content-type"), accept, raw.header(_CUSTOM))
        return Call(meta, body, loop.create_future(), time.monotonic(), request_id)

    def _refused(self, name: str, variant: str, reply: Reply, request_id: str) -> Response:
        """The model's own words. What does not fit it is the client's; what it failed at is a ModelError."""
        message = reply.body.decode("utf-8", "replace")
        code = _CODES.get(reply.status, "ValidationError")
        told = message
        if reply.original_status is not None:
            told = f"the model answered {reply.original_status}: {message}"
        body: dict[str, object] = {"Message": told, "ErrorCode": code}
        if reply.status == 424:
            stream = f"/aws/sagemaker/Endpoints/{name}"
            body |= {
                "OriginalStatusCode": reply.original_status or 500,
                "OriginalMessage": message,
                "LogStreamArn": f"arn:aws:logs:{self.region}:000000000000:log-group:{stream}",
            }
        _LOG.info("request %s: endpoint %s, variant %s: %d %s", request_id, name, variant, reply.status, told[:500])
        headers = {"content-type": "application/json", "x-amzn-requestid": request_id, "x-amzn-errortype": code}
        if reply.status == 503:
            headers["retry-after"] = "1"
        return Response(reply.status, headers, json.dumps(body).encode())


def _name(raw: RawRequest) -> str:
    match = _PATH.fullmatch(raw.path)
    if match is None:
        raise NotFound("an endpoint's name is 1 to 63 letters, digits and hyphens")
    return match[1]


def _seconds(raw: RawRequest, header: str, default: int) -> int:
    text = raw.header(header)
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text[:9]) <= default:
        raise Invalid(f"{header} is {text[:40]!r}: give whole seconds, 1 to {default}")
    return int(text)


async def _parts(reply: Reply, request_id: str, receive: Receive) -> AsyncIterator[bytes]:
    """An event a part. A model that fails in the middle ends it with an exception; a client that has gone ends the work."""
    gone = asyncio.ensure_future(receive())
    more: Parts | None = None
    try:
        while True:
            if reply.status != 200:
                text = reply.body.decode("utf-8", "replace")
                _LOG.info("request %s: the stream broke off: %s", request_id, text[:500])
                yield failure("ModelStreamError", text, "ModelInvocationFailed")
                return
            if reply.body:
                yield payload_part(reply.body)
            more = reply.more
            if more is None:
                return
            following = asyncio.ensure_future(more.get())
            await asyncio.wait((following, gone), return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                following.cancel()
                return
            reply = following.result()
    finally:
        gone.cancel()
        with suppress(asyncio.CancelledError):
            await gone
        if more is not None:
            more.stop()
