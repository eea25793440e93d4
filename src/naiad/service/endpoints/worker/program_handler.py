"""Handler for an executable, in any language, that serves GET /ping and POST /invocations on a port that it is given.

It is started as SageMaker starts a container: with the argument ``serve``, and the port in SAGEMAKER_BIND_TO_PORT.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

from naiad.service.endpoints.worker.http_client import CLIENT_ERRORS, HOST, HttpConnection, HttpResponse
from naiad.service.endpoints.worker.inference import (
    InferenceError,
    InferenceRequest,
    InferenceResponse,
    ModelProcessExited,
    error_response,
)

START_TIMEOUT_S = 240.0
_PING_TIMEOUT_S = 2.0
_STOP_TIMEOUT_S = 30.0
_EXIT_AFTER_CONNECTIONS_S = 0.5
"""A program's connections break a moment before its exit is known."""
_POLL_INTERVAL_S = 0.05
_CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"


class Program:
    """Executable of a model, not started yet."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self._path, self._environment = path, environment

    async def start(self, *, timeout_s: float = START_TIMEOUT_S) -> "ProgramHandler":
        """Returns when GET /ping succeeds. Raises InferenceError 424 when the program exits before, or takes longer."""
        port, name = _free_port(), self._path.name
        environment = {**self._environment, "SAGEMAKER_BIND_TO_PORT": str(port), "PORT": str(port)}
        try:
            process = await asyncio.create_subprocess_exec(
                str(self._path), "serve", env=environment, cwd=self._path.parent, start_new_session=True
            )
        except OSError as error:
            raise InferenceError(424, f"{name} cannot be started: {error.strerror or error}") from error
        handler = ProgramHandler(name, process, port)
        try:
            await self._wait_healthy(handler, process, timeout_s)
        except BaseException:
            await handler.close()
            raise
        return handler

    async def _wait_healthy(
        self, handler: "ProgramHandler", process: asyncio.subprocess.Process, timeout_s: float
    ) -> None:
        deadline = asyncio.get_running_loop().time() + timeout_s
        while not await handler.is_healthy():
            if process.returncode is not None:
                message = f"{self._path.name} exited with status {process.returncode} before it answered /ping"
                raise InferenceError(424, message)
            if asyncio.get_running_loop().time() > deadline:
                raise InferenceError(424, f"{self._path.name} did not answer /ping within {timeout_s:g} s")
            await asyncio.sleep(_POLL_INTERVAL_S)


class ProgramHandler:
    """Passes requests on to a running program."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, port: int) -> None:
        self._name, self._process, self._port = name, process, port
        self._idle_connections: list[HttpConnection] = []

    async def is_healthy(self) -> bool:
        try:
            async with asyncio.timeout(_PING_TIMEOUT_S):
                connection, response = await self._send("GET", "/ping", {}, b"")
                while not response.is_complete:
                    await connection.read_into(response)
        except CLIENT_ERRORS:
            return False
        self._release(connection, response)
        return response.is_success

    async def wait_exited(self) -> None:
        await self._process.wait()

    async def handle(self, request: InferenceRequest) -> InferenceResponse:
        """Passes on a long body as it arrives. Raises ModelProcessExited."""
        values = {
            "content-type": request.content_type,
            "accept": request.accept,
            _CUSTOM_ATTRIBUTES: request.custom_attributes,
        }
        headers = {name: value for name, value in values.items() if value}
        try:
            async with asyncio.timeout(request.timeout_s):
                connection, response = await self._send("POST", "/invocations", headers, request.body)
                while not response.is_complete and not response.is_streamed:
                    await connection.read_into(response)
        except CLIENT_ERRORS as error:
            return error_response(424, await self._reason(error, request))
        if not response.is_complete:
            body: bytes | AsyncGenerator[bytes, None] = self._stream(connection, response, request)
        else:
            self._release(connection, response)
            body = response.take_body()
        content_type = response.headers.get("content-type", "application/octet-stream")
        custom_attributes = response.headers.get(_CUSTOM_ATTRIBUTES, "")
        if response.is_success:
            return InferenceResponse(200, body, content_type, custom_attributes)
        return InferenceResponse(424, body, content_type, custom_attributes, original_status=response.status)

    async def _stream(
        self, connection: HttpConnection, response: HttpResponse, request: InferenceRequest
    ) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                chunk = response.take_body()
                if chunk:
                    yield chunk
                if response.is_complete:
                    break
                async with asyncio.timeout(request.timeout_s):
                    await connection.read_into(response)
            self._release(connection, response)
        except CLIENT_ERRORS as error:
            raise InferenceError(424, await self._reason(error, request)) from error
        finally:
            if not response.is_complete:
                connection.close()

    async def _reason(self, error: Exception, request: InferenceRequest) -> str:
        """Returns why there is no response. Raises ModelProcessExited when the program has exited."""
        if isinstance(error, TimeoutError):
            return f"{self._name} did not answer within {request.timeout_s:g} s"
        if isinstance(error, ConnectionRefusedError) or await self._has_exited():
            raise ModelProcessExited(f"{self._name} has exited") from error
        return f"{self._name} broke off its answer: {error or type(error).__name__}"

    async def _has_exited(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_EXIT_AFTER_CONNECTIONS_S):
                await self._process.wait()
        return self._process.returncode is not None

    async def close(self) -> None:
        """Stops the program and the processes that it has started, which may outlive it."""
        for connection in self._idle_connections:
            connection.close()
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_TIMEOUT_S):
                    await self._process.wait()
        self._signal(signal.SIGKILL)
        await self._process.wait()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[HttpConnection, HttpResponse]:
        """Sends on an idle connection; one that the program has closed meanwhile is replaced by a new one."""
        while self._idle_connections:
            connection = self._idle_connections.pop()
            with contextlib.suppress(ConnectionError, EOFError):
                return connection, await connection.send(method, path, headers, body)
        connection = await HttpConnection.open(self._port)
        return connection, await connection.send(method, path, headers, body)

    def _release(self, connection: HttpConnection, response: HttpResponse) -> None:
        """Keeps the connection for the next request, or closes it."""
        if response.keeps_alive:
            self._idle_connections.append(connection)
        else:
            connection.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
