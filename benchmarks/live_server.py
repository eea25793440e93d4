"""A server in a process of its own, with the requests that the service's benchmarks send."""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from naiad.home import ServerAddress, read_address

ROLE = "arn:aws:iam::000000000000:role/naiad"
FINAL_STATUSES = ("Completed", "Failed", "Stopped")
TIMEOUT_S = 120.0


@dataclass
class LiveServer:
    state: Path
    process: "subprocess.Popen[str]"

    @property
    def address(self) -> ServerAddress:
        return read_address(self.state)

    def client(self, service: str, *, config: Config | None = None) -> Any:
        address = self.address
        return boto3.client(
            service,
            endpoint_url=address.url,
            region_name=address.region,
            aws_access_key_id=address.access_key,
            aws_secret_access_key=address.secret_key,
            config=config,
        )

    def put_source(self, key: str, text: str) -> None:
        """Stores a source archive that contains the text as train.py."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            info = tarfile.TarInfo("train.py")
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
        self.client("s3").put_object(Bucket="naiad", Key=key, Body=archive.getvalue())

    def wait_for_end(self, name: str) -> dict[str, Any]:
        client, deadline = self.client("sagemaker"), time.monotonic() + TIMEOUT_S
        while True:
            job = client.describe_training_job(TrainingJobName=name)
            if job["TrainingJobStatus"] in FINAL_STATUSES:
                return dict(job)
            assert time.monotonic() < deadline, job
            time.sleep(0.02)

    def log_lines(self, name: str) -> list[str]:
        logs, group = self.client("logs"), "/aws/sagemaker/TrainingJobs"
        (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
        page = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
        return [event["message"] for event in page["events"]]

    def memory_mb(self) -> float:
        """Returns the resident memory of the server's process."""
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def training_request(name: str, source: str, *, cores: int | None = None, **hyperparameters: str) -> dict[str, Any]:
    """Returns a CreateTrainingJob request for a script."""
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": "any/pytorch-training:2", "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "HyperParameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": f"s3://naiad/{source}",
            **hyperparameters,
        },
        "OutputDataConfig": {"S3OutputPath": "s3://naiad/out/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "Tags": [] if cores is None else [{"Key": "naiad:cores", "Value": str(cores)}],
    }


@contextmanager
def serve(*options: str, python: str = sys.executable) -> Iterator[LiveServer]:
    """Runs ``naiad serve`` on a folder of its own, which is removed afterwards. python: that of another version."""
    with tempfile.TemporaryDirectory(prefix="naiad-bench-", ignore_cleanup_errors=True) as folder:
        state = Path(folder) / "state"
        server = LiveServer(state, start_server(state, *options, python=python))
        try:
            yield server
        finally:
            server.process.terminate()
            server.process.communicate(timeout=60)


def start_server(state: Path, *options: str, port: str = "0", python: str = sys.executable) -> "subprocess.Popen[str]":
    command = [python, "-m", "naiad.cli", "serve", "--port", port, "--state", str(state), *options]
    log = state.with_name("server.log")
    with log.open("a") as file:
        log_start = file.tell()
        process = subprocess.Popen(command, env=dict(os.environ), stderr=file, text=True)
    while b"serving on" not in log.read_bytes()[log_start:]:
        assert process.poll() is None, log.read_text()
        time.sleep(0.01)
    return process
