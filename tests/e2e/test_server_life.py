"""The end of a server: it answers what it has begun, closes uploads that never end, and lets jobs run on."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from naiad.home import ServerAddress, read_address

PROGRAM = """
import sys
from pathlib import Path
from naiad.service.compose import Settings
from naiad.service.run import serve
state, upload_timeout_s, drain_timeout_s = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
settings = Settings(
    state, port=0, warm=False, aws_hosts_port=None, upload_timeout_s=upload_timeout_s, drain_timeout_s=drain_timeout_s
)
state.mkdir(mode=0o700, parents=True, exist_ok=True)
serve(settings, ready=lambda address: print("serving", flush=True))
"""
BODY_BYTES = 3 * 2**20


class Server:
    def __init__(self, state: Path, *, upload_timeout_s: float, drain_timeout_s: int) -> None:
        arguments = [str(state), str(upload_timeout_s), str(drain_timeout_s)]
        command = [sys.executable, "-c", PROGRAM, *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.state = state
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "serving\n"

    @property
    def address(self) -> ServerAddress:
        return read_address(self.state)

    def client(self, service: str) -> Any:
        at = self.address
        keys = {"aws_access_key_id": at.access_key, "aws_secret_access_key": at.secret_key}
        return boto3.client(service, endpoint_url=at.url, region_name=at.region, **keys)

    def start_upload(self, key: str, sent_bytes: int) -> socket.socket:
        """Returns a connection on which an upload of BODY_BYTES has begun, and ``sent_bytes`` are sent."""
        url = self.client("s3").generate_presigned_url("put_object", {"Bucket": "naiad", "Key": key})
        parts = urlsplit(url)
        connection = socket.create_connection((parts.hostname, parts.port), timeout=30)
        head = (
            f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
        )
        connection.sendall(head.encode() + b"x" * sent_bytes)
        return connection

    def request_exit(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 30
        while self._accepts_connections() and time.monotonic() < deadline:
            time.sleep(0.02)

    def wait(self, *, within_s: float) -> int:
        return self.process.wait(within_s)

    def _accepts_connections(self) -> bool:
        parts = urlsplit(self.address.url)
        with contextlib.suppress(OSError), socket.create_connection((parts.hostname, parts.port), timeout=1):
            return True
        return False


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    servers: list[Server] = []

    def start_server(*, upload_timeout_s: float = 60.0, drain_timeout_s: int = 30) -> Server:
        servers.append(Server(tmp_path / "state", upload_timeout_s=upload_timeout_s, drain_timeout_s=drain_timeout_s))
        return servers[-1]

    yield start_server
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate()


def answer(connection: socket.socket) -> bytes:
    """Returns everything that the server sends until it closes the connection."""
    received = b""
    while part := connection.recv(65536):
        received += part
    return received


def create(server: Server, name: str, seconds: float) -> None:
    server.client("sagemaker").create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={
            "TrainingImage": "any",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["/bin/sh", "-c", f"echo started; sleep {seconds}"],
        },
        RoleArn="arn:aws:iam::000000000000:role/naiad",
        OutputDataConfig={"S3OutputPath": "s3://naiad/out/"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )


def wait_until(server: Server, name: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    client, deadline = server.client("sagemaker"), time.monotonic() + 60
    while not condition(job := client.describe_training_job(TrainingJobName=name)):
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
    return dict(job)


def test_a_running_upload_is_answered_and_the_job_runs_on(start: Callable[..., Server]) -> None:
    server = start()
    create(server, "long", seconds=3)
    wait_until(server, "long", lambda job: job["SecondaryStatus"] == "Training")
    with server.start_upload("slow", BODY_BYTES // 2) as connection:
        server.request_exit()
        connection.sendall(b"x" * (BODY_BYTES - BODY_BYTES // 2))
        assert answer(connection).startswith(b"HTTP/1.1 200 ")
    assert server.wait(within_s=10) == 0
    again = start()
    assert again.client("s3").head_object(Bucket="naiad", Key="slow")["ContentLength"] == BODY_BYTES
    job = wait_until(again, "long", lambda job: job["TrainingJobStatus"] != "InProgress")
    assert job["TrainingJobStatus"] == "Completed"
    assert sum(step["Status"] == "Starting" for step in job["SecondaryStatusTransitions"]) == 1
    again.request_exit()
    assert again.wait(within_s=10) == 0


FEW_BYTES, MANY_BYTES = 10, 2 * 2**20
"""Few bytes of an upload wait in the event loop, many in a thread."""


def test_uploads_that_never_end_do_not_delay_the_exit(start: Callable[..., Server]) -> None:
    server = start(drain_timeout_s=1)
    with server.start_upload("few", FEW_BYTES), server.start_upload("many", MANY_BYTES):
        server.client("s3").list_buckets()
        server.request_exit()
        assert server.wait(within_s=15) == 0
    again = start()
    assert "Contents" not in again.client("s3").list_objects_v2(Bucket="naiad")
    again.request_exit()
    assert again.wait(within_s=10) == 0


def test_silent_uploads_are_closed(start: Callable[..., Server]) -> None:
    server = start(upload_timeout_s=0.5)
    with server.start_upload("few", FEW_BYTES) as few, server.start_upload("many", MANY_BYTES) as many:
        for response in (answer(few), answer(many)):
            assert response.startswith(b"HTTP/1.1 400 ")
            assert b"<Code>RequestTimeout</Code>" in response
    assert "Contents" not in server.client("s3").list_objects_v2(Bucket="naiad")
    server.request_exit()
    assert server.wait(within_s=10) == 0


def test_a_slow_upload_is_not_closed(start: Callable[..., Server]) -> None:
    server = start(upload_timeout_s=1)
    with server.start_upload("drip", BODY_BYTES - 8) as connection:
        for _ in range(8):
            time.sleep(0.15)  # a slow sender: longer in all than the limit, never so long at once
            connection.sendall(b"x")
        assert connection.recv(12) == b"HTTP/1.1 200"
    server.request_exit()
    assert server.wait(within_s=10) == 0
