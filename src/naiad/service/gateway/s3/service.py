"""S3's API over the object store: a verified request in, a response out; every error in S3's XML."""

from collections.abc import AsyncIterator, Mapping

from naiad.service.blobs.port import BlobStore
from naiad.service.domain.errors import ServiceError
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.s3.errors import error_response
from naiad.service.gateway.s3.file_threads import FileThreads
from naiad.service.gateway.s3.operations import find_operation
from naiad.service.gateway.s3.permissions import Access
from naiad.service.gateway.s3.s3_call import S3Call, split_path
from naiad.service.gateway.signing.authenticator import Principal


class S3Service:
    def __init__(self, blobs: BlobStore, region: str) -> None:
        self._blobs, self._region = blobs, region
        self._threads = FileThreads()

    async def handle(
        self, request: Request, principal: Principal, content: AsyncIterator[bytes], trailers: Mapping[str, str]
    ) -> Response:
        """The parameters are fields of S3Call. An error response may leave the body unread.

        Raises RequestRejected for a body that is not what was signed, or does not come; no other ServiceError.
        """
        try:
            response = await self._call(request, principal, content, trailers)
        except RequestRejected:
            raise
        except ServiceError as error:
            response = error_response(error, request)
        return Response(response.status, _complete_headers(response, request), response.body)

    def close(self) -> None:
        """Ends the threads that hold a body."""
        self._threads.close()

    async def _call(
        self, request: Request, principal: Principal, content: AsyncIterator[bytes], trailers: Mapping[str, str]
    ) -> Response:
        bucket, key = split_path(request.path)
        call = S3Call(
            request=request,
            principal=principal,
            content=content,
            trailers=trailers,
            bucket=bucket,
            key=key,
            blobs=self._blobs,
            threads=self._threads,
            region=self._region,
        )
        operation = find_operation(call)
        name = (call.query_param("prefix") or "") if operation.access is Access.LIST else key
        call.check_access(operation.access, bucket, name)
        return await operation.handler(call)


def _complete_headers(response: Response, request: Request) -> dict[str, str]:
    headers = {"x-amz-request-id": request.id, **response.headers}
    if isinstance(response.body, bytes) and "content-length" not in headers and response.status not in (204, 304):
        headers["content-length"] = str(len(response.body))
    if response.status >= 400 and "expect" in request.headers:
        headers["connection"] = "close"  # the client keeps its body back, and the connection would wait for it
    return headers
