"""HTTP/1.1 client for a program on loopback, which passes on the body of a response as it arrives."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httptools

from naiad.service.endpoints.frames import replace_control_characters

HOST = "127.0.0.1"
MAX_BUFFERED_BYTES = 2**20
CLIENT_ERRORS = (OSError, EOFError, httptools.HttpParserError)
"""Errors of a connection that broke, ended, or sent what is not HTTP. OSError includes TimeoutError."""


class HttpResponse:
    """Response that is being received. httptools' parser calls its ``on_…`` methods."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.has_head = self.is_complete = self.keeps_alive = False
        self._parser: Any = httptools.HttpResponseParser(self)
        self._chunks: list[bytes] = []
        self._size = 0

    @property
    def is_success(self) -> bool:
        return self.status // 100 == 2

    @property
    def is_streamed(self) -> bool:
        """Whether the body is passed on as it arrives: it is long, or of unknown length. Errors are short and buffered."""
        length = self.headers.get("content-length", "")
        return self.is_success and not (length.isdecimal() and int(length[:12]) <= MAX_BUFFERED_BYTES)

    def feed(self, data: bytes) -> None:
        """Raises HttpParserError, EOFError."""
        self._parser.feed_data(data)
        self.status = self._parser.get_status_code()
        if self.is_complete:
            self.keeps_alive = bool(self._parser.should_keep_alive())
            self._parser = None  # breaks the reference cycle, which would hold memory until a garbage collection
        if not self.is_success and self._size > MAX_BUFFERED_BYTES:
            raise EOFError(f"it answered {self.status} with more than {MAX_BUFFERED_BYTES:,} bytes")

    def take_body(self) -> bytes:
        """Returns what has arrived since the last call."""
        chunks, self._chunks = self._chunks, []
        return b"".join(chunks)

    # --- called by the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.has_head = True

    def on_body(self, chunk: bytes) -> None:
        self._size += len(chunk)
        self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        self.is_complete = True


class HttpConnection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "HttpConnection":
        return cls(*await asyncio.open_connection(HOST, port))

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Returns the response once its head has arrived. Raises CLIENT_ERRORS; the connection is closed then."""
        lines = [f"{method} {path} HTTP/1.1", f"host: {HOST}", f"content-length: {len(body)}"]
        lines += [f"{name}: {replace_control_characters(value)}" for name, value in headers.items()]
        response = HttpResponse()
        try:
            self._writer.write("\r\n".join((*lines, "", "")).encode("latin-1", "replace") + body)
            await self._writer.drain()
            while not response.has_head:
                await self.read_into(response)
        except BaseException:
            self.close()
            raise
        return response

    async def read_into(self, response: HttpResponse) -> None:
        """Waits for more bytes of the response. Raises CLIENT_ERRORS."""
        data = await self._reader.read(65_536)
        if not data:
            raise EOFError("the connection was closed")
        response.feed(data)

    def close(self) -> None:
        self._writer.close()
