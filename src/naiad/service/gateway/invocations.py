"""The runtime's door: InvokeEndpoint and its two kin, from a verified request to a replica and back. On the loop's thread, since
each of them is over in less time than a thread would take to wake.
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from naiad.service.domain.errors import Invalid, NotFound, ServiceError
from naiad.service.endpoints.asynchronous import AsyncInvocations, AsyncRequest
from naiad.service.endpoints.calls import Call, NotNow, Reply
from naiad.service.endpoints.manager import EndpointManager
from naiad.service.endpoints.worker.link import meta_of
from naiad.service.gateway.answers import failed
from naiad.service.gateway.event_stream import CONTENT_TYPE, failure, payload_part
from naiad.service.gateway.raw import RawRequest
from naiad.service.gateway.request import Response
from naiad.service.gateway.route import Route

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

    async def handle(self, route: Route, raw: RawRequest, body: bytes, request_id: str) -> Response:
        try:
            name = _name(raw)
            if route.operation == "InvokeEndpointAsync":
                return await self._later(name, raw, request_id)
            if route.operation == "InvokeEndpointWithResponseStream":
                return await self._streamed(name, raw, body, request_id)
            return await self._invoked(name, raw, body, request_id)
        except NotNow as error:
            response = failed(route, error, request_id)
            headers = {**response.headers, "retry-after": str(error.retry_after_s)}
            return Response(response.status, headers, response.body)
        except ServiceError as error:
            return failed(route, error, request_id)

    async def _invoked(self, name: str, raw: RawRequest, body: bytes, request_id: str) -> Response:
        call = self._call(raw, body, accept=raw.header("accept"))
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

    async def _streamed(self, name: str, raw: RawRequest, body: bytes, request_id: str) -> Response:
        call = self._call(raw, body, accept=raw.header("x-amzn-sagemaker-accept"))
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
        return Response(200, headers, _parts(reply))

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
    def _call(raw: RawRequest, body: bytes, *, accept: str) -> Call:
        for header, reason in _NOT_SERVED.items():
            if header in raw.headers:
                raise Invalid(reason)
        loop = asyncio.get_running_loop()
        meta = meta_of(raw.header("content-type"), accept, raw.header(_CUSTOM))
        return Call(meta, body, loop.create_future(), time.monotonic())

    def _refused(self, name: str, variant: str, reply: Reply, request_id: str) -> Response:
        """The model's own words. What does not fit it is the client's; what it failed at is a ModelError."""
        message = reply.body.decode("utf-8", "replace")
        code = _CODES.get(reply.status, "ValidationError")
        body: dict[str, object] = {"Message": message, "ErrorCode": code}
        if reply.status == 424:
            stream = f"/aws/sagemaker/Endpoints/{name}"
            body |= {
                "OriginalStatusCode": 500,
                "OriginalMessage": message,
                "LogStreamArn": f"arn:aws:logs:{self.region}:000000000000:log-group:{stream}",
            }
        _LOG.info("request %s: endpoint %s, variant %s: %d %s", request_id, name, variant, reply.status, message[:500])
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


async def _parts(reply: Reply) -> AsyncIterator[bytes]:
    """An event a part; a model that fails in the middle ends it with an exception."""
    while True:
        if reply.status != 200:
            yield failure("ModelStreamError", reply.body.decode("utf-8", "replace"), "ModelInvocationFailed")
            return
        if reply.body:
            yield payload_part(reply.body)
        if reply.more is None:
            return
        reply = await reply.more.get()
