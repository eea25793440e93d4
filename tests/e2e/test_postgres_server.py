"""``naiad serve --database postgresql://…``: the life of a server whose database may stop meanwhile."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from naiad.home import read_address

ROLE = "arn:aws:iam::000000000000:role/naiad"
FINAL_STATUSES = ("Completed", "Failed", "Stopped")


class Server:
    """A server process; ``postgres`` is its database."""

    def __init__(self, state: Path, postgres: Any) -> None:
        self.state, self.postgres = state, postgres
        self.process = self.start(state)

    def start(self, state: Path) -> "subprocess.Popen[str]":
        process = subprocess.Popen(self._command(state), stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "serving on" in line:
                return process
        raise AssertionError("".join(lines))

    def start_refused(self, state: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self._command(state), capture_output=True, text=True, check=False, timeout=60)

    def client(self, service: str, **settings: Any) -> Any:
        address = read_address(self.state)
        return boto3.client(
            service,
            endpoint_url=address.url,
            region_name=address.region,
            aws_access_key_id=address.access_key,
            aws_secret_access_key=address.secret_key,
            config=Config(**settings),
        )

    def stop(self, signal_number: int) -> int:
        self.process.send_signal(signal_number)
        self.process.communicate(timeout=60)
        return self.process.returncode

    def create(self, name: str, *, seconds: float = 0) -> None:
        self.client("sagemaker").create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification={
                "TrainingImage": "any",
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["/bin/sh", "-c", f"echo begun; sleep {seconds}"],
            },
            RoleArn=ROLE,
            OutputDataConfig={"S3OutputPath": "s3://naiad/out/"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 600},
        )

    def describe(self, name: str) -> dict[str, Any]:
        return dict(self.client("sagemaker").describe_training_job(TrainingJobName=name))

    def _command(self, state: Path) -> list[str]:
        options = ["--port", "0", "--no-warm", "--no-aws-hosts", "--state", str(state)]
        return [sys.executable, "-m", "naiad.cli", "serve", *options, "--database", self.postgres.url]


def wait_for(value: Callable[[], Any], *, within_s: float = 60) -> Any:
    """Returns the first true result of ``value``. Errors of the server are ignored until then."""
    deadline = time.monotonic() + within_s
    while True:
        with contextlib.suppress(ClientError):
            if result := value():
                return result
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def server(tmp_path: Path, postgres: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    running = Server(tmp_path / "state", postgres)
    yield running
    assert running.stop(signal.SIGTERM) == 0


def test_a_job_outlives_the_server_and_a_second_server_is_told_the_owner(server: Server, tmp_path: Path) -> None:
    server.create("one", seconds=4)
    wait_for(lambda: server.describe("one")["SecondaryStatus"] == "Training")
    second = server.start_refused(tmp_path / "other")
    assert second.returncode == 2
    assert f"is in use by naiad pid {server.process.pid} at {read_address(server.state).url}" in second.stderr
    server.stop(signal.SIGKILL)
    server.process = server.start(server.state)
    described = wait_for(lambda: (job := server.describe("one"))["TrainingJobStatus"] in FINAL_STATUSES and job)
    assert described["TrainingJobStatus"] == "Completed", described
    assert sum(step["Status"] == "Starting" for step in described["SecondaryStatusTransitions"]) == 1
    assert not (server.state / "naiad.db").exists()


@pytest.mark.slow
def test_a_server_goes_on_after_its_database_was_stopped(server: Server, tmp_path: Path) -> None:
    server.create("one", seconds=2)
    wait_for(lambda: server.describe("one")["SecondaryStatus"] == "Training")
    server.postgres.stop()
    impatient = server.client("sagemaker", retries={"total_max_attempts": 1})
    with pytest.raises(ClientError) as refused:
        impatient.describe_training_job(TrainingJobName="one")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    store = server.client("s3")
    store.put_object(Bucket="naiad", Key="meanwhile", Body=b"objects need no database")
    server.postgres.start()
    described = wait_for(lambda: (job := server.describe("one"))["TrainingJobStatus"] in FINAL_STATUSES and job)
    assert described["TrainingJobStatus"] == "Completed", described
    server.create("two")
    assert wait_for(lambda: server.describe("two")["TrainingJobStatus"] in FINAL_STATUSES)
    second = server.start_refused(tmp_path / "other")
    assert f"is in use by naiad pid {server.process.pid}" in second.stderr
