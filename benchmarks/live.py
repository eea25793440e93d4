"""A server in a process of its own, and what the measurements of the service ask of it."""

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

from naiad.home import Address, read_address

ROLE = "arn:aws:iam::000000000000:role/naiad"
ENDS = ("Completed", "Failed", "Stopped")
WITHIN_S = 120.0


@dataclass
class Live:
    state: Path
    process: "subprocess.Popen[str]"

    @property
    def address(self) -> Address:
        return read_address(self.state)

    def client(self, service: str, *, config: Config | None = None) -> Any:
        at = self.address
        return boto3.client(
            service,
            endpoint_url=at.url,
            region_name=at.region,
            aws_access_key_id=at.access_key,
            aws_secret_access_key=at.secret_key,
            config=config,
        )

    def put_source(self, key: str, text: str) -> None:
        """A source archive with the text as train.py."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            info = tarfile.TarInfo("train.py")
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
        self.client("s3").put_object(Bucket="naiad", Key=key, Body=archive.getvalue())

    def ended(self, name: str) -> dict[str, Any]:
        client, deadline = self.client("sagemaker"), time.monotonic() + WITHIN_S
        while True:
            job = client.describe_training_job(TrainingJobName=name)
            if job["TrainingJobStatus"] in ENDS:
                return dict(job)
            assert time.monotonic() < deadline, job
            time.sleep(0.02)

    def lines(self, name: str) -> list[str]:
        logs, group = self.client("logs"), "/aws/sagemaker/TrainingJobs"
        (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
        page = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
        return [event["message"] for event in page["events"]]

    def memory_mb(self) -> float:
        """Resident, of the server's own process."""
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def request(name: str, source: str, *, cores: int | None = None, **hyperparameters: str) -> dict[str, Any]:
    """A CreateTrainingJob request for a script."""
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
def live(*options: str) -> Iterator[Live]:
    """``naiad serve`` on a folder of its own, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="naiad-bench-", ignore_cleanup_errors=True) as folder:
        state = Path(folder) / "state"
        server = Live(state, begun(state, *options))
        try:
            yield server
        finally:
            server.process.terminate()
            server.process.communicate(timeout=60)


def begun(state: Path, *options: str, port: str = "0") -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "naiad.cli", "serve", "--port", port, "--state", str(state), *options]
    log = state.with_name("server.log")
    with log.open("a") as file:
        said = file.tell()
        process = subprocess.Popen(command, env=dict(os.environ), stderr=file, text=True)
    while b"serving on" not in log.read_bytes()[said:]:
        assert process.poll() is None, log.read_text()
        time.sleep(0.01)
    return process
