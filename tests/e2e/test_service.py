"""`naiad serve` and unmodified clients: a job from its request to its model, and a server that is killed on the way."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest

from naiad.home import Address, read_address

SCRIPT = """
import argparse, os, pathlib, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--ticks", type=int, default=0)
given = parser.parse_args()
print("channel", sorted(os.listdir(os.environ["SM_CHANNEL_TRAIN"])), flush=True)
print("secrets", sorted(name for name in os.environ if name.startswith("NAIAD")), os.path.exists(sys.argv[0] + ".no"))
for tick in range(given.ticks):
    print("tick", tick, flush=True)
    time.sleep(0.25)
print(f"loss: {given.lr / 2}")
if given.lr > 5:
    raise ValueError("lr is too large")
pathlib.Path(os.environ["SM_MODEL_DIR"], "weights.txt").write_text("w")
"""


@dataclass
class Server:
    state: Path
    process: "subprocess.Popen[str]"

    @property
    def address(self) -> Address:
        return read_address(self.state)

    def client(self, service: str) -> Any:
        at = self.address
        return boto3.client(
            service,
            endpoint_url=at.url,
            region_name=at.region,
            aws_access_key_id=at.access_key,
            aws_secret_access_key=at.secret_key,
        )

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode

    def start(self) -> None:
        self.process = started(self.state)


def started(state: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "NAIAD_STATE": str(state)}
    process = subprocess.Popen(
        [sys.executable, "-m", "naiad.cli", "serve", "--port", "0"], env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert any("serving on" in line for line in process.stderr)
    return process


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = tmp_path / "state"
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NAIAD_STATE", str(state))
    running = Server(state, started(state))
    with contextlib.closing(running.client("s3")) as store:
        store.put_object(Bucket="naiad", Key="data/a.txt", Body=b"a")
        store.put_object(Bucket="naiad", Key="data/deep/b.txt", Body=b"b")
        source = io.BytesIO()
        with tarfile.open(fileobj=source, mode="w:gz") as tar:
            info = tarfile.TarInfo("train.py")
            info.size = len(SCRIPT)
            tar.addfile(info, io.BytesIO(SCRIPT.encode()))
        store.put_object(Bucket="naiad", Key="source.tar.gz", Body=source.getvalue())
    yield running
    assert running.end(signal.SIGTERM) == 0


def create(server: Server, name: str, **hyperparameters: str) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://naiad/data/", "S3DataDistributionType": "FullyReplicated"}
    server.client("sagemaker").create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={
            "TrainingImage": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss: ([0-9.]+)"}],
        },
        RoleArn="arn:aws:iam::000000000000:role/naiad",
        HyperParameters={
            "sagemaker_program": json.dumps("train.py"),
            "sagemaker_submit_directory": json.dumps("s3://naiad/source.tar.gz"),
            **hyperparameters,
        },
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": "s3://naiad/out/"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )


def ended(server: Server, name: str, *, within_s: float = 60) -> dict[str, Any]:
    client, deadline = server.client("sagemaker"), time.monotonic() + within_s
    while True:
        described = client.describe_training_job(TrainingJobName=name)
        if described["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
            return dict(described)
        assert time.monotonic() < deadline, described
        time.sleep(0.05)


def lines(server: Server, name: str) -> list[str]:
    logs, group = server.client("logs"), "/aws/sagemaker/TrainingJobs"
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    page = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
    return [event["message"] for event in page["events"]]


def test_a_script_from_request_to_model(server: Server) -> None:
    create(server, "one", lr="0.5")
    job = ended(server, "one")
    assert job["TrainingJobStatus"] == "Completed", job
    assert [step["Status"] for step in job["SecondaryStatusTransitions"]] == [
        "Pending",
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert [(metric["MetricName"], metric["Value"]) for metric in job["FinalMetricDataList"]] == [("loss", 0.25)]
    assert lines(server, "one") == ["channel ['a.txt', 'deep']", "secrets [] False", "loss: 0.25"]
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == "s3://naiad/out/one/output/model.tar.gz"
    body = server.client("s3").get_object(Bucket="naiad", Key="out/one/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert tar.getnames() == ["weights.txt"]


def test_a_failure_tells_the_exception_and_its_place(server: Server) -> None:
    create(server, "bad", lr="10")
    job = ended(server, "bad")
    assert job["TrainingJobStatus"] == "Failed"
    assert re.fullmatch(r"AlgorithmError: ValueError: lr is too large \(train.py, line \d+\)", job["FailureReason"])


def test_a_server_that_is_killed_finds_its_job_again(server: Server) -> None:
    create(server, "long", lr="1", ticks="12")
    while server.client("sagemaker").describe_training_job(TrainingJobName="long")["SecondaryStatus"] != "Training":
        time.sleep(0.02)
    server.end(signal.SIGKILL)
    server.start()
    job = ended(server, "long")
    assert job["TrainingJobStatus"] == "Completed"
    assert [line for line in lines(server, "long") if line.startswith("tick")] == [f"tick {i}" for i in range(12)]
    assert sum(step["Status"] == "Starting" for step in job["SecondaryStatusTransitions"]) == 1


def test_a_job_is_stopped(server: Server) -> None:
    create(server, "stopme", lr="1", ticks="4000")
    while server.client("sagemaker").describe_training_job(TrainingJobName="stopme")["SecondaryStatus"] != "Training":
        time.sleep(0.02)
    server.client("sagemaker").stop_training_job(TrainingJobName="stopme")
    assert ended(server, "stopme")["TrainingJobStatus"] == "Stopped"
    server.client("sagemaker").stop_training_job(TrainingJobName="stopme")


def naiad(server: Server, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "NAIAD_STATE": str(server.state)}
    command = [sys.executable, "-m", "naiad.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_command_line_shows_jobs_and_keys(server: Server) -> None:
    create(server, "shown", lr="0.5")
    ended(server, "shown")
    assert "shown  Completed" in naiad(server, "jobs", "list").stdout
    assert "loss 0.25" in naiad(server, "jobs", "show", "shown").stdout
    assert naiad(server, "jobs", "logs", "-f", "shown").stdout.splitlines()[-1] == "loss: 0.25"
    unknown = naiad(server, "jobs", "show", "nobody")
    assert (unknown.returncode, unknown.stderr.splitlines()[0]) == (2, "error: no training-job of the name nobody")
    assert naiad(server, "keys", "add", "ci").returncode == 0
    assert [key["name"] for key in json.loads(naiad(server, "keys", "list", "--json").stdout)] == ["default", "ci"]
    variables = json.loads(naiad(server, "env", "--json").stdout)
    assert variables["AWS_ENDPOINT_URL"] == server.address.url
    assert "TelemetryOptOut: true" in Path(variables["SAGEMAKER_USER_CONFIG_OVERRIDE"]).read_text()


def test_a_second_server_on_the_folder_is_told_who_holds_it(server: Server) -> None:
    second = naiad(server, "serve", "--port", "0")
    assert second.returncode == 2
    assert f"is in use by process {server.process.pid}" in second.stderr


def test_connect_trains_as_fit_does(server: Server, tmp_path: Path) -> None:
    import naiad as package  # noqa: PLC0415  # reason: torch, for this test only

    generator = np.random.default_rng(0)
    rows = [f"{x:.3f},{z:.3f},{'high' if x > z else 'low'}" for x, z in generator.random((300, 2))]
    table = tmp_path / "things.csv"
    table.write_text("\n".join(["x,z,kind", *rows]) + "\n")
    connection = package.connect(state=server.state)
    job = connection.fit("mlp", table, label="kind", epochs=20, report=False, plan={"batch_size": 32})
    seen: list[str] = []
    model = job.wait(timeout_s=120, each=seen.append).model(tmp_path / "model")
    assert any(line.startswith("epoch 020") for line in seen)
    assert job.status == "Completed"
    assert list(model.predict({"x": [0.9, 0.1], "z": [0.1, 0.9]}).labels) == ["high", "low"]
    assert (tmp_path / "model" / "program.pt2").is_file()
    metrics = {metric["MetricName"]: metric["Value"] for metric in job.describe()["FinalMetricDataList"]}
    assert metrics["validation:accuracy"] > 0.8
