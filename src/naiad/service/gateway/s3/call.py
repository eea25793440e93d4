"""One call at the S3 door: the request with its bucket and key told apart, and what handlers work with."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from naiad.service.blobs.checksums import Digests
from naiad.service.blobs.port import Blobs
from naiad.service.domain.clock import Clock
from naiad.service.domain.errors import Denied, Invalid
from naiad.service.gateway.request import Request, Response
from naiad.service.gateway.s3.errors import S3Error, bad_argument, malformed, too_large
from naiad.service.gateway.s3.headers import expected_checksums
from naiad.service.gateway.s3.permissions import Access, may
from naiad.service.gateway.s3.streams import Body, Threads
from naiad.service.gateway.s3.xml import MAX_BYTES, Node, answer_xml, parsed

XML = {"content-type": "application/xml"}
_MOST_DIGITS = 24
"""As many say that a body is too large; Python refuses to read thousands."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Call:
    request: Request
    blobs: Blobs
    clock: Clock
    region: str
    threads: Threads
    bucket: str
    key: str
    """"" for a call to the bucket, or to the service when ``bucket`` is "" too."""

    def asked(self, name: str) -> str | None:
        """The value of a query parameter."""
        return next((value for key, value in self.request.query if key == name), None)

    def count(self, name: str, *, most: int) -> int:
        """A number that may be asked for, at most ``most`` of it is given."""
        text = self.asked(name)
        if text is None or text == "":
            return most
        if not re.fullmatch(r"\d{1,10}", text):
            raise bad_argument(f"{name} {text[:20]!r}: give a number of 0 or more")
        return min(int(text), most)

    def demand(self, access: Access, bucket: str, name: str) -> None:
        """Raises Denied for the program of a job that was not given this."""
        job = self.request.principal.job
        if job is not None and not may(job, access, bucket, name):
            raise Denied(f"job {job.name} may not reach s3://{bucket}/{name}; name it as an input or output of the job")

    def body(self, most_bytes: int) -> Body:
        """Raises S3Error at once where the headers say that it is larger."""
        said = self.request.header("x-amz-decoded-content-length") or self.request.header("content-length")
        if said.isdecimal() and int(said[:_MOST_DIGITS]) > most_bytes:
            raise too_large(most_bytes)
        return Body(self.request.body, most_bytes)

    async def xml_body(self) -> Node:
        """Checked against its checksums. Raises S3Error."""
        digests = Digests(expected_checksums(self.request))
        data = await self.body(MAX_BYTES).whole()
        digests.update(data)
        digests.checked()
        return _root_of(data)

    async def xml_body_unchecked(self) -> Node:
        """Where the checksums of the headers are of something else. Raises S3Error."""
        return _root_of(await self.body(MAX_BYTES).whole())


def _root_of(data: bytes) -> Node:
    try:
        return parsed(data)
    except Invalid as error:
        raise malformed(str(error)) from error


def split_path(raw_path: str) -> tuple[str, str]:
    """(bucket, key) of a path-style address, each decoded once. Raises S3Error."""
    bucket, _, key = raw_path.removeprefix("/").partition("/")
    try:
        return unquote_to_bytes(bucket).decode(), unquote_to_bytes(key).decode()
    except UnicodeDecodeError:
        raise S3Error("InvalidURI", 400, "the path is not UTF-8") from None


def xml_response(root: Node, *, status: int = 200) -> Response:
    return Response(status, XML, answer_xml(root))


def printable(name: str, value: str) -> str:
    """A value that may stand in a header. Raises S3Error."""
    if _CONTROL.search(value) or not value.isascii():
        raise bad_argument(f"{name}: control characters and letters beyond ASCII are not possible in a header")
    return value
