"""The door of S3: requests that are signed for S3, path-style or virtual-hosted-style."""

from dataclasses import replace

from naiad.service.domain.errors import ServiceError
from naiad.service.gateway.errors import aws_error_code
from naiad.service.gateway.http.body import stream_body
from naiad.service.gateway.http.body_budget import UnverifiedBodies
from naiad.service.gateway.http.form_data import Form, is_form, read_form
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.http.virtual_host import to_path_style
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.s3.errors import S3Error, error_response
from naiad.service.gateway.s3.post_object import posted_key, read_posted_file
from naiad.service.gateway.s3.post_policy import parse_policy
from naiad.service.gateway.s3.s3_call import split_path
from naiad.service.gateway.s3.service import S3Service
from naiad.service.gateway.signing.authenticator import Authenticator
from naiad.service.gateway.signing.credential import claimed_service, signed_service
from naiad.service.gateway.signing.hoisted_headers import hoisted_headers
from naiad.service.gateway.signing.payload import verified_content

_MAX_BODY_BYTES = 5 * 2**30 + 64 * 2**20
"""S3's own limit for one put, and the framing of its chunks."""
_MAX_UNSIGNED_BYTES = 4 * 2**20


class S3Door:
    def __init__(
        self, service: S3Service, authenticator: Authenticator, unverified: UnverifiedBodies, upload_timeout_s: float
    ) -> None:
        self._service, self._authenticator, self._unverified = service, authenticator, unverified
        self._upload_timeout_s = upload_timeout_s

    def owns(self, request: Request) -> bool:
        """Whether the request is signed for S3, or is unsigned and of a form that only S3 has.

        That is: no target, and no POST but one of a form with a file.
        """
        service = claimed_service(request)
        if service or request.header("x-amz-target"):
            return service == "s3"
        return request.method != "POST" or is_form(request)

    def max_body_bytes(self, request: Request) -> int:
        return _MAX_BODY_BYTES if claimed_service(request) == "s3" or is_form(request) else _MAX_UNSIGNED_BYTES

    async def handle(self, request: Request) -> Response:
        if is_form(request) and not claimed_service(request):
            return await self._handle_form(request)
        signed_service(request)
        claim = await self._authenticator.read_claim(request)
        verified = self._authenticator.verify_claim(request, claim)
        if request.method not in ("GET", "HEAD"):
            self._authenticator.check_replay(verified)
        trailers: dict[str, str] = {}
        content = verified_content(
            stream_body(request.receive, self._upload_timeout_s),
            verified,
            trailers,
            declared_length=request.header("x-amz-decoded-content-length"),
        )
        principal = self._authenticator.principal_of(verified, claim.job)
        headers = {**hoisted_headers(request), **request.headers} if verified.is_presigned else request.headers
        path_style = replace(request, path=to_path_style(request), headers=headers)
        return await self._service.handle(path_style, principal, content, trailers)

    def error_response(self, request: Request, error: ServiceError) -> Response:
        if isinstance(error, RequestRejected):
            code, status = aws_error_code("s3", error)
            error = S3Error(code, status, str(error))
        return error_response(error, request).with_headers({"x-amz-request-id": request.id})

    def close(self) -> None:
        self._service.close()
        self._authenticator.close()

    async def _handle_form(self, request: Request) -> Response:
        """Answers POST Object, whose signature stands in the form."""
        form = await self._read_form(request)
        principal = self._authenticator.principal_of(*await self._authenticator.verify_policy(form.fields))
        policy = parse_policy(form.fields["policy"])
        bucket, _ = split_path(to_path_style(request))
        policy.check({**form.fields, "bucket": bucket, "key": posted_key(form)}, self._authenticator.clock.now())
        posted = read_posted_file(request, bucket, form, policy)
        response = await self._service.handle(posted.put_request, principal, posted.content, {})
        return posted.response(response) if response.status < 300 else response.with_headers({"connection": "close"})

    async def _read_form(self, request: Request) -> Form:
        """Reads the form up to its file. The timeout is for all of that, since its sender is not known yet."""
        try:
            async with self._unverified.forms.place(self._upload_timeout_s):
                return await read_form(request, stream_body(request.receive, self._upload_timeout_s))
        except TimeoutError:
            raise RequestRejected("idle", "the fields of the form did not come in time; send it again") from None
