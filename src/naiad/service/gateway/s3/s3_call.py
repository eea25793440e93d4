"""One call of S3's API: a request with its bucket and key, who signed it, and what handlers work with."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from naiad.service.blobs.checksums import ContentDigests
from naiad.service.blobs.port import BlobStore
from naiad.service.domain.errors import AccessDenied, Invalid
from naiad.service.gateway.http.header_syntax import is_header
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.checksums import expected_checksums
from naiad.service.gateway.s3.errors import S3Error, entity_too_large, invalid_argument, malformed_xml
from naiad.service.gateway.s3.file_threads import FileThreads
from naiad.service.gateway.s3.permissions import SCOPE_OF_ACCESS, Access, is_allowed, is_within
from naiad.service.gateway.s3.request_body import RequestBody
from naiad.service.gateway.s3.xml import MAX_BYTES, Node, parse_xml, s3_document
from naiad.service.gateway.scopes import missing_scope
from naiad.service.gateway.signing.authenticator import Principal

XML = {"content-type": "application/xml"}
_MAX_DIGITS = 24
"""Enough to say that a body is too large; Python refuses to read thousands of digits."""

_SMALL_BYTES = 8 * 1024
"""The longest document that is parsed on the event loop: that takes about a millisecond, as waking a thread may."""


@dataclass(frozen=True, kw_only=True)
class S3Call:
    request: Request
    """Its path is path-style: the bucket comes first."""
    principal: Principal
    content: AsyncIterator[bytes]
    """The body, without aws-chunked framing, checked as it passes: its last item may raise RequestRejected."""
    trailers: Mapping[str, str]
    """Headers after an aws-chunked body, names in lower case; filled when ``content`` has ended."""
    bucket: str
    key: str
    """"" for a call to the bucket, or to the service when ``bucket`` is "" too."""
    blobs: BlobStore
    threads: FileThreads
    region: str

    def query_param(self, name: str) -> str | None:
        return self.request.query_params.get(name)

    def limit_param(self, name: str, *, max_value: int) -> int:
        """Returns how many rows are wanted, at most ``max_value``. Raises S3Error."""
        text = self.query_param(name)
        if text is None or text == "":
            return max_value
        if not re.fullmatch(r"\d{1,10}", text):
            raise invalid_argument(f"{name} {text[:20]!r}: give a number of 0 or more")
        return min(int(text), max_value)

    def check_access(self, access: Access, bucket: str, name: str) -> None:
        """Raises AccessDenied for a key without the scope, or that does not reach this, and for a job that was not given it.

        ``name``: the key of the object, or the prefix that is listed.
        """
        principal = self.principal
        job, scope = principal.job, SCOPE_OF_ACCESS[access]
        if job is not None:
            if not is_allowed(job, access, bucket, name):
                raise AccessDenied(
                    f"job {job.name} may not reach s3://{bucket}/{name}; name it as an input or output of the job"
                )
        elif scope not in principal.scopes:
            raise AccessDenied(f"a call that {access.value} {missing_scope(principal, scope)}")
        elif principal.limits and not is_within(principal.limits, access, bucket, name):
            reach = ", ".join(map(str, principal.limits))
            raise AccessDenied(f"the key {principal.name} reaches {reach} only, not s3://{bucket}/{name}")

    def open_body(self, max_bytes: int) -> RequestBody:
        """Raises S3Error at once where the headers say that the body is larger."""
        declared = self.request.header("x-amz-decoded-content-length") or self.request.header("content-length")
        if declared.isdecimal() and int(declared[:_MAX_DIGITS]) > max_bytes:
            raise entity_too_large(max_bytes)
        return RequestBody(self.content, max_bytes)

    async def read_xml(self, max_bytes: int = MAX_BYTES) -> Node:
        """Checks the body against its checksums. Raises S3Error."""
        digests = ContentDigests(expected_checksums(self.request, self.trailers))
        data = await self.open_body(max_bytes).read_all()

        def verify_and_parse() -> Node:
            digests.update(data)
            digests.verify()
            return _parse_body(data)

        return await self._read(data, verify_and_parse)

    async def read_xml_unchecked(self) -> Node:
        """Reads a body that the checksum headers do not belong to. Raises S3Error."""
        data = await self.open_body(MAX_BYTES).read_all()
        return await self._read(data, lambda: _parse_body(data))

    async def _read(self, data: bytes, work: Callable[[], Node]) -> Node:
        """Runs ``work`` on the body: in a thread unless it is small."""
        return work() if len(data) <= _SMALL_BYTES else await self.threads.run(work)


def _parse_body(data: bytes) -> Node:
    try:
        return parse_xml(data)
    except Invalid as error:
        raise malformed_xml(str(error)) from error


def split_path(raw_path: str) -> tuple[str, str]:
    """Returns (bucket, key) of a path-style path, each decoded once. Raises S3Error."""
    bucket, _, key = raw_path.removeprefix("/").partition("/")
    try:
        return unquote_to_bytes(bucket).decode(), unquote_to_bytes(key).decode()
    except UnicodeDecodeError:
        raise S3Error("InvalidURI", 400, "the path is not UTF-8") from None


def xml_response(root: Node, *, status: int = 200) -> Response:
    return Response(status, XML, s3_document(root))


def check_header_value(name: str, value: str) -> str:
    """Returns the value. Raises S3Error where it cannot stand in a header."""
    if not is_header(name, value):
        raise invalid_argument(f"{name}: control characters and letters beyond ASCII are not possible in a header")
    return value
