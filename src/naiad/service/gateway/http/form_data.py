"""A form of the type multipart/form-data, as browsers upload files with it: the fields, then the file as it comes."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.http.request import Request

CONTENT_TYPE = "multipart/form-data"
MAX_FIELDS_BYTES = 20 * 1024
"""The limit for all that comes before the file; S3's own."""
_MAX_HEAD_BYTES = 4 * 1024
_MAX_BOUNDARY = 70
_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_NAME = re.compile(r'\bname="([^"]*)"', re.IGNORECASE)
_FILE_NAME = re.compile(r'\bfilename="([^"]*)"', re.IGNORECASE)
_FILE_FIELD = "file"


@dataclass(frozen=True)
class Form:
    fields: Mapping[str, str]
    """Values by name, names in lower case."""
    file_name: str
    """The name of the file, without folders; "" where the browser gives none."""
    content: AsyncIterator[bytes]
    """The content of the file. What comes after it in the body is left out."""


def is_form(request: Request) -> bool:
    return request.method == "POST" and request.header("content-type").lower().startswith(CONTENT_TYPE)


async def read_form(request: Request, body: AsyncIterator[bytes]) -> Form:
    """Reads the fields up to the file. Raises Invalid for a form that is not well-formed, too long, or without a file."""
    match = _BOUNDARY.search(request.header("content-type"))
    boundary = (match[1] or match[2]) if match else ""
    if not 1 <= len(boundary) <= _MAX_BOUNDARY:
        raise Invalid(f"the header content-type of a form has a boundary of 1 to {_MAX_BOUNDARY} characters")
    delimiter = b"\r\n--" + boundary.encode("latin-1")
    reader = _MarkReader(body)
    await reader.read_until(delimiter, MAX_FIELDS_BYTES)
    fields: dict[str, str] = {}
    budget = MAX_FIELDS_BYTES
    while True:
        head = (await reader.read_until(b"\r\n\r\n", _MAX_HEAD_BYTES)).decode("utf-8", "replace")
        if head.startswith("--"):
            raise Invalid("the form has no field named file, or it does not come last")
        name_match, file_match = _NAME.search(head), _FILE_NAME.search(head)
        name = name_match[1].lower() if name_match else ""
        if name == _FILE_FIELD:
            file_name = re.split(r"[/\\]", file_match[1])[-1] if file_match else ""
            return Form(fields, file_name, reader.stream_until(delimiter))
        value = await reader.read_until(delimiter, budget - len(head))
        budget -= len(head) + len(value)
        fields[name] = value.decode("utf-8", "replace")


class _MarkReader:
    """A body, read up to marks in it."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body, self._buffer = body, b"\r\n"  # so that the first boundary begins as every other

    async def read_until(self, mark: bytes, max_bytes: int) -> bytes:
        """Returns what comes before the mark, and passes the mark. Raises Invalid where more comes, or the body ends."""
        while (position := self._buffer.find(mark)) < 0 and len(self._buffer) <= max(max_bytes, 0):
            self._buffer += await self._next("before its last boundary")
        if not 0 <= position <= max_bytes:
            raise Invalid(f"what comes before the file is longer than {MAX_FIELDS_BYTES:,} bytes")
        found, self._buffer = self._buffer[:position], self._buffer[position + len(mark) :]
        return found

    async def stream_until(self, mark: bytes) -> AsyncIterator[bytes]:
        """Yields what comes before the mark, and reads the body to its end. Raises Invalid where there is no mark."""
        while (position := self._buffer.find(mark)) < 0:
            safe = max(0, len(self._buffer) - len(mark) + 1)  # a mark may have begun after it
            if safe:
                yield self._buffer[:safe]
            self._buffer = self._buffer[safe:] + await self._next("before the end of the file")
        yield self._buffer[:position]
        async for _ in self._body:
            pass

    async def _next(self, where: str) -> bytes:
        try:
            return await anext(self._body)
        except StopAsyncIteration:
            raise Invalid(f"the form ends {where}") from None
