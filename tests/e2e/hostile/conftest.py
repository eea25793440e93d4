"""A live server as a target of handmade requests. It must reject them, keep its memory small, and continue to serve."""

import contextlib
import datetime as dt
import hashlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from naiad.home import ServerAddress, read_address

MAX_GROWTH_MB = 60
"""Limit of the growth of the server's memory over one file of tests; a body of a gigabyte would be far more."""
UPLOAD_TIMEOUT_S = 2
PATIENCE_S = 0.4
"""Time after which an exchange stops waiting for an answer: the request was incomplete, or the connection stays open."""
TIMEOUT_S = 30


@dataclass(frozen=True)
class Target:
    state: Path
    process: "subprocess.Popen[bytes]"

    @property
    def address(self) -> ServerAddress:
        return read_address(self.state)

    @property
    def log(self) -> str:
        return (self.state.parent / "log").read_text(encoding="utf-8")

    def client(self, service: str, **options: Any) -> Any:
        at = self.address
        keys = {"aws_access_key_id": at.access_key, "aws_secret_access_key": at.secret_key}
        defaults = {
            "endpoint_url": at.url,
            "region_name": at.region,
            "config": Config(retries={"max_attempts": 0}),
            **keys,
        }
        return boto3.client(service, **{**defaults, **options})

    def memory_mb(self) -> float:
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(text.partition("VmRSS:")[2].split()[0]) / 1024

    def connect(self) -> socket.socket:
        host, port = urlsplit(self.address.url).netloc.split(":")
        return socket.create_connection((host, int(port)), timeout=TIMEOUT_S)

    def exchange(self, data: bytes, *, more: Iterable[bytes] = (), patience_s: float = PATIENCE_S) -> tuple[int, str]:
        """Returns (status, the whole answer); status 0 when the connection was closed without one.

        Ends an incomplete request after a while. Raises TimeoutError for a server that hangs.
        """
        with self.connect() as connection:
            with contextlib.suppress(OSError):  # it may answer and close before everything is sent
                connection.sendall(data)
                for chunk in more:
                    connection.sendall(chunk)
            text = _read_answer(connection, patience_s).decode("utf-8", "replace")
        return (int(text.split(" ", 2)[1]) if text.startswith("HTTP/1.1 ") else 0), text

    def head(
        self,
        method: str,
        path: str,
        *,
        service: str = "s3",
        body: bytes = b"",
        digest: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: str = "",
        key: tuple[str, str] | None = None,
        ago_s: float = 0,
    ) -> bytes:
        """Returns the head of a signed request without the empty line. ``path`` is signed and sent as it is."""
        at = self.address
        request = AWSRequest(method, f"{at.url}{path}{query}", data=body, headers=headers or {})
        credentials = Credentials(*(key or (at.access_key, at.secret_key)))
        auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials, service, at.region)
        signed_at = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=ago_s)
        request.context["timestamp"] = signed_at.strftime("%Y%m%dT%H%M%SZ")
        request.headers["X-Amz-Date"] = request.context["timestamp"]
        request.headers["Host"] = urlsplit(at.url).netloc
        if service == "s3":
            request.headers["x-amz-content-sha256"] = digest or hashlib.sha256(body).hexdigest()
        text = auth.canonical_request(request)
        names = auth.signed_headers(auth.headers_to_sign(request))
        signature = auth.signature(auth.string_to_sign(request, text), request)
        request.headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={names}, Signature={signature}"
        )
        lines = [f"{method} {path}{query} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
        return "".join(f"{line}\r\n" for line in lines).encode("latin-1")

    def call(self, method: str, path: str, body: bytes = b"", **options: Any) -> tuple[int, str]:
        length = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        return self.exchange(self.head(method, path, body=body, **options) + length + body)

    def api(self, body: bytes, operation: str = "SageMaker.ListTrainingJobs", **options: Any) -> tuple[int, str]:
        json_type = {"Content-Type": "application/x-amz-json-1.1"}
        headers = {"X-Amz-Target": operation, **json_type, **options.pop("headers", {})}
        return self.call("POST", "/", body, service="sagemaker", headers=headers, **options)

    def get(self, path: str) -> tuple[int, str]:
        """Sends a request without signature headers, as for a presigned URL."""
        return self.exchange(f"GET {path} HTTP/1.1\r\nHost: {urlsplit(self.address.url).netloc}\r\n\r\n".encode())


def _read_answer(connection: socket.socket, patience_s: float) -> bytes:
    answer, is_cut = b"", False
    connection.settimeout(patience_s)
    while True:
        try:
            chunk = connection.recv(65_536)
        except TimeoutError:
            if is_cut:
                raise
            is_cut = True
            connection.settimeout(TIMEOUT_S)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            continue
        except OSError:
            return answer
        if not chunk:
            return answer
        answer += chunk


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Target, float]]:
    """The server, and its memory in MB when everything that it needs is loaded."""
    state = tmp_path_factory.mktemp("hostile") / "state"
    options = ("--port", "0", "--no-warm", "--no-aws-hosts", "--upload-timeout", str(UPLOAD_TIMEOUT_S))
    command = [sys.executable, "-m", "naiad.cli", "serve", "--state", str(state), *options]
    with (state.parent / "log").open("wb") as log:
        process = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=log)
    target = Target(state, process)
    try:
        _wait_until_ready(target)
        store = target.client("s3")
        store.put_object(Bucket="naiad", Key="data/a.txt", Body=b"abcdefghij")
        store.put_object(Bucket="naiad", Key="secret", Body=b"classified")
        for service, name in (
            ("sts", "get_caller_identity"),
            ("sagemaker", "list_training_jobs"),
            ("logs", "describe_log_groups"),
        ):
            getattr(target.client(service), name)()
        yield target, target.memory_mb()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(timeout=60)
        finally:
            process.kill()
    assert status == 0


def _wait_until_ready(target: Target) -> None:
    deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)
    while "serving on" not in target.log:
        assert target.process.poll() is None, target.log
        assert dt.datetime.now(dt.UTC) < deadline, target.log
        with contextlib.suppress(subprocess.TimeoutExpired):
            target.process.wait(0.05)


@pytest.fixture
def target(attacked: tuple[Target, float]) -> Iterator[Target]:
    """The server. After the test it must answer a valid request, must not have grown, and must have logged no traceback."""
    server, memory_mb = attacked
    log_length = len(server.log)
    yield server
    assert server.client("sts").get_caller_identity()["Account"] == "000000000000"
    assert server.memory_mb() - memory_mb < MAX_GROWTH_MB
    assert "Traceback" not in server.log[log_length:]
