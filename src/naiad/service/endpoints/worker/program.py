"""An executable that serves GET /ping and POST /invocations on a port that it is given, in whatever language it is written.

It is started as SageMaker starts a container: with the argument ``serve``, and the port in SAGEMAKER_BIND_TO_PORT.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

import httptools

from naiad.service.endpoints.worker.port import Answer, Invocation, Unfit

_HOST = "127.0.0.1"
_STARTS_WITHIN_S = 240.0
_ANSWERS_WITHIN_S = 60.0
_PING_WITHIN_S = 2.0
_ENDS_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.05
_MOST_BYTES = 64 * 2**20
_CUSTOM = "x-amzn-sagemaker-custom-attributes"


class ProgramHandler:
    """It is started with the first question for its health, and ended by ``close`` with all that it has started."""

    def __init__(self, program: Path, environment: Mapping[str, str]) -> None:
        self._program, self._port = program, _free_port()
        self._environment = {**environment, "SAGEMAKER_BIND_TO_PORT": str(self._port), "PORT": str(self._port)}
        self._process: asyncio.subprocess.Process | None = None
        self._idle: list[_Connection] = []

    async def start(self) -> None:
        """Returns when it answers GET /ping with 200. Raises Unfit 424 when it ends before that, or takes too long."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                str(self._program), "serve", env=self._environment, cwd=self._program.parent, start_new_session=True
            )
        except OSError as error:
            raise Unfit(424, f"{self._program.name} cannot be started: {error.strerror or error}") from error
        deadline = asyncio.get_running_loop().time() + _STARTS_WITHIN_S
        while not await self.is_healthy():
            if self._process.returncode is not None:
                raise Unfit(
                    424, f"{self._program.name} ended with status {self._process.returncode} before it answered /ping"
                )
            if asyncio.get_running_loop().time() > deadline:
                raise Unfit(424, f"{self._program.name} did not answer /ping within {_STARTS_WITHIN_S:g} s")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def is_healthy(self) -> bool:
        try:
            async with asyncio.timeout(_PING_WITHIN_S):
                return (await self._asked("GET", "/ping", {}, b"")).status == 200
        except (OSError, TimeoutError, EOFError, httptools.HttpParserError):
            return False

    async def answer(self, invocation: Invocation) -> Answer:
        given = {
            "content-type": invocation.content_type,
            "accept": invocation.accept,
            _CUSTOM: invocation.custom_attributes,
        }
        headers = {name: value for name, value in given.items() if value}
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                found = await self._asked("POST", "/invocations", headers, invocation.body)
        except TimeoutError:
            return _failed(f"{self._program.name} did not answer within {_ANSWERS_WITHIN_S:g} s")
        except (OSError, EOFError, httptools.HttpParserError) as error:
            return _failed(f"{self._program.name} broke off its answer: {error or type(error).__name__}")
        if found.status != 200:
            return _failed(
                f"{self._program.name} answered {found.status}: {found.body.decode('utf-8', 'replace')[:900]}"
            )
        return Answer(
            200,
            found.body,
            found.headers.get("content-type", "application/octet-stream"),
            found.headers.get(_CUSTOM, ""),
        )

    async def close(self) -> None:
        for connection in self._idle:
            connection.close()
        if self._process is None or self._process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_ENDS_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    def _signal(self, number: int) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def _asked(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> "_Response":
        """On a connection that was used before where there is one; it may have been closed meanwhile: then on a new one."""
        while self._idle:
            connection = self._idle.pop()
            try:
                return await self._on(connection, method, path, headers, body)
            except (ConnectionError, EOFError):
                connection.close()
        return await self._on(await _Connection.open(self._port), method, path, headers, body)

    async def _on(
        self, connection: "_Connection", method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> "_Response":
        try:
            response = await connection.ask(method, path, headers, body)
        except BaseException:
            connection.close()
            raise
        if response.keeps_alive:
            self._idle.append(connection)
        else:
            connection.close()
        return response


class _Response:
    """What httptools' parser tells, gathered."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_whole = False
        self.keeps_alive = False
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def body(self) -> bytes:
        return b"".join(self._parts)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > _MOST_BYTES:
            raise EOFError(f"its answer is larger than {_MOST_BYTES:,} bytes")
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
        """Raises OSError, EOFError, HttpParserError."""
        lines = [f"{method} {path} HTTP/1.1", f"host: {_HOST}", f"content-length: {len(body)}"]
        lines += [f"{name}: {_one_line(value)}" for name, value in headers.items()]
        self._writer.write("\r\n".join((*lines, "", "")).encode("latin-1", "replace") + body)
        await self._writer.drain()
        response = _Response()
        parser = httptools.HttpResponseParser(response)
        while not response.is_whole:
            data = await self._reader.read(65_536)
            if not data:
                raise EOFError("the connection was closed")
            parser.feed_data(data)
        response.status = parser.get_status_code()
        response.keeps_alive = bool(parser.should_keep_alive())
        return response

    def close(self) -> None:
        self._writer.close()


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")


def _failed(message: str) -> Answer:
    return Answer(424, message.encode("utf-8", "replace"), "text/plain")


def _free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind((_HOST, 0))
        port: int = chosen.getsockname()[1]
        return port
