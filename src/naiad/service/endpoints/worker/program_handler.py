"""An executable that serves GET /ping and POST /invocations on a port that it is given, in whatever language it is written.

It is started as SageMaker starts a container: with the argument ``serve``, and the port in SAGEMAKER_BIND_TO_PORT.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import httptools

from naiad.service.endpoints.frames import one_line
from naiad.service.endpoints.worker.inference import STARTS_WITHIN_S, Answer, Gone, Invocation, Unfit

_HOST = "127.0.0.1"
_PING_WITHIN_S = 2.0
_ENDS_WITHIN_S = 30.0
_ENDS_AFTER_ITS_CONNECTIONS_S = 0.5
_LOOK_EVERY_S = 0.05
_MOST_GATHERED_BYTES = 2**20
_CUSTOM = "x-amzn-sagemaker-custom-attributes"


class ProgramHandler:
    """It is started with the first question for its health, and ended by ``close`` with all that it has started."""

    def __init__(self, program: Path, environment: Mapping[str, str]) -> None:
        self._program, self._port = program, _free_port()
        self._environment = {**environment, "SAGEMAKER_BIND_TO_PORT": str(self._port), "PORT": str(self._port)}
        self._process: asyncio.subprocess.Process | None = None
        self._idle: list[_Connection] = []

    async def start(self, *, within_s: float = STARTS_WITHIN_S) -> None:
        """Returns when GET /ping is answered well. Raises Unfit 424 when it ends before that, or takes longer."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                str(self._program), "serve", env=self._environment, cwd=self._program.parent, start_new_session=True
            )
        except OSError as error:
            raise Unfit(424, f"{self._program.name} cannot be started: {error.strerror or error}") from error
        deadline = asyncio.get_running_loop().time() + within_s
        while not await self.is_healthy():
            if self._process.returncode is not None:
                raise Unfit(
                    424, f"{self._program.name} ended with status {self._process.returncode} before it answered /ping"
                )
            if asyncio.get_running_loop().time() > deadline:
                raise Unfit(424, f"{self._program.name} did not answer /ping within {within_s:g} s")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def is_healthy(self) -> bool:
        try:
            async with asyncio.timeout(_PING_WITHIN_S):
                connection, found = await self._begun("GET", "/ping", {}, b"")
                while not found.is_whole:
                    await connection.read_into(found)
        except (OSError, TimeoutError, EOFError, httptools.HttpParserError):
            return False
        self._keep(connection, found)
        return found.is_success

    async def ended(self) -> None:
        assert self._process is not None
        await self._process.wait()

    async def answer(self, invocation: Invocation) -> Answer:
        """An answer that does not come at once is passed on as it comes."""
        given = {
            "content-type": invocation.content_type,
            "accept": invocation.accept,
            _CUSTOM: invocation.custom_attributes,
        }
        headers = {name: value for name, value in given.items() if value}
        try:
            async with asyncio.timeout(invocation.timeout_s):
                connection, found = await self._begun("POST", "/invocations", headers, invocation.body)
                while not found.is_whole and not found.is_long:
                    await connection.read_into(found)
        except (OSError, EOFError, httptools.HttpParserError) as error:
            return _failed(await self._reason(error, invocation))
        if not found.is_whole:
            body: bytes | AsyncGenerator[bytes, None] = self._rest(connection, found, invocation)
        else:
            self._keep(connection, found)
            body = found.taken()
        content_type = found.headers.get("content-type", "application/octet-stream")
        custom = found.headers.get(_CUSTOM, "")
        if found.is_success:
            return Answer(200, body, content_type, custom)
        return Answer(424, body, content_type, custom, original_status=found.status)

    async def _rest(
        self, connection: "_Connection", found: "_Response", invocation: Invocation
    ) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                part = found.taken()
                if part:
                    yield part
                if found.is_whole:
                    break
                async with asyncio.timeout(invocation.timeout_s):
                    await connection.read_into(found)
            self._keep(connection, found)
        except (OSError, EOFError, httptools.HttpParserError) as error:
            raise Unfit(424, await self._reason(error, invocation)) from error
        finally:
            if not found.is_whole:
                connection.close()

    async def _reason(self, error: Exception, invocation: Invocation) -> str:
        """Why there is no answer. Raises Gone when the program has ended."""
        if isinstance(error, TimeoutError):
            return f"{self._program.name} did not answer within {invocation.timeout_s:g} s"
        if isinstance(error, ConnectionRefusedError) or await self._has_ended():
            raise Gone(f"{self._program.name} has ended") from error
        return f"{self._program.name} broke off its answer: {error or type(error).__name__}"

    async def _has_ended(self) -> bool:
        """Its connections break a moment before its end is known."""
        assert self._process is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ENDS_AFTER_ITS_CONNECTIONS_S):
                await self._process.wait()
        return self._process.returncode is not None

    async def close(self) -> None:
        """With what it has started, which may outlive it."""
        for connection in self._idle:
            connection.close()
        if self._process is None:
            return
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ENDS_WITHIN_S):
                    await self._process.wait()
        self._signal(signal.SIGKILL)
        await self._process.wait()

    def _signal(self, number: int) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def _begun(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple["_Connection", "_Response"]:
        """On a connection that was used before where there is one; it may have been closed meanwhile: then on a new one."""
        while self._idle:
            connection = self._idle.pop()
            with contextlib.suppress(ConnectionError, EOFError):
                return connection, await connection.ask(method, path, headers, body)
        connection = await _Connection.open(self._port)
        return connection, await connection.ask(method, path, headers, body)

    def _keep(self, connection: "_Connection", response: "_Response") -> None:
        if response.keeps_alive:
            self._idle.append(connection)
        else:
            connection.close()


class _Response:
    """What httptools' parser tells, gathered."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.has_head = self.is_whole = self.keeps_alive = False
        self._parser: Any = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def is_success(self) -> bool:
        return self.status // 100 == 2

    @property
    def is_long(self) -> bool:
        """Better passed on as it comes. What it failed at is short, and wanted as a whole."""
        length = self.headers.get("content-length", "")
        return self.is_success and not (length.isdecimal() and int(length[:12]) <= _MOST_GATHERED_BYTES)

    def feed(self, data: bytes) -> None:
        """Raises HttpParserError, EOFError."""
        self._parser.feed_data(data)
        self.status = self._parser.get_status_code()
        if self.is_whole:
            self.keeps_alive = bool(self._parser.should_keep_alive())
            self._parser = None  # the two know each other: memory would wait for the collector
        if not self.is_success and self._size > _MOST_GATHERED_BYTES:
            raise EOFError(f"it answered {self.status} with more than {_MOST_GATHERED_BYTES:,} bytes")

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)

    # --- the parser's side

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.has_head = True

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        self._parts.append(part)

    def on_message_complete(self) -> None:
        self.is_whole = True


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "_Connection":
        return cls(*await asyncio.open_connection(_HOST, port))

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> _Response:
        """What has come when its head has. Raises OSError, EOFError, HttpParserError; then it is closed."""
        lines = [f"{method} {path} HTTP/1.1", f"host: {_HOST}", f"content-length: {len(body)}"]
        lines += [f"{name}: {one_line(value)}" for name, value in headers.items()]
        response = _Response()
        try:
            self._writer.write("\r\n".join((*lines, "", "")).encode("latin-1", "replace") + body)
            await self._writer.drain()
            while not response.has_head:
                await self.read_into(response)
        except BaseException:
            self.close()
            raise
        return response

    async def read_into(self, response: _Response) -> None:
        data = await self._reader.read(65_536)
        if not data:
            raise EOFError("the connection was closed")
        response.feed(data)

    def close(self) -> None:
        self._writer.close()


def _failed(message: str) -> Answer:
    return Answer(424, message.encode("utf-8", "replace"), "text/plain")


def _free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind((_HOST, 0))
        port: int = chosen.getsockname()[1]
        return port
