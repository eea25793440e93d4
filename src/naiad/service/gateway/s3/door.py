"""The S3 door: a signed request in, a response out. Path-style addresses; every refusal in S3's XML."""

from dataclasses import replace

from naiad.service.blobs.port import Blobs
from naiad.service.domain.clock import Clock
from naiad.service.domain.errors import ServiceError
from naiad.service.gateway.refusal import Refused
from naiad.service.gateway.request import Request, Response
from naiad.service.gateway.s3.call import Call, split_path
from naiad.service.gateway.s3.errors import answer
from naiad.service.gateway.s3.operations import operation_of
from naiad.service.gateway.s3.permissions import Access
from naiad.service.gateway.s3.streams import Threads


class S3Door:
    def __init__(self, blobs: Blobs, clock: Clock, region: str) -> None:
        self._blobs, self._clock, self._region = blobs, clock, region
        self._threads = Threads()

    async def handle(self, request: Request) -> Response:
        """Raises Refused for a body that is not what was signed, or does not come; no other ServiceError.

        Bodies may be left unread when the answer is a refusal.
        """
        try:
            response = await self._answered(request)
        except Refused:
            raise
        except ServiceError as error:
            response = answer(error, request)
        return replace(response, headers=_complete(response, request))

    def close(self) -> None:
        """Threads that hold a body end with it."""
        self._threads.close()

    async def _answered(self, request: Request) -> Response:
        bucket, key = split_path(request.raw_path)
        call = Call(request, self._blobs, self._clock, self._region, self._threads, bucket, key)
        operation = operation_of(call)
        name = (call.asked("prefix") or "") if operation.access is Access.LIST else key
        call.demand(operation.access, bucket, name)
        return await operation.handler(call)


def _complete(response: Response, request: Request) -> dict[str, str]:
    headers = {"x-amz-request-id": request.request_id, **response.headers}
    if isinstance(response.body, bytes) and "content-length" not in headers and response.status not in (204, 304):
        headers["content-length"] = str(len(response.body))
    if response.status >= 400 and "expect" in request.headers:
        headers["connection"] = "close"  # the client keeps its body back, and the connection would wait for it
    return headers
