"""`naiad serve` and unmodified clients: a job from its request to its model, and a server that is killed on the way."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from naiad.cli.main import main


def create(server: Any, name: str, **hyperparameters: str) -> None:
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


def wait_for_end(server: Any, name: str, *, within_s: float = 60) -> dict[str, Any]:
    client, deadline = server.client("sagemaker"), time.monotonic() + within_s
    while True:
        described = client.describe_training_job(TrainingJobName=name)
        if described["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
            return dict(described)
        assert time.monotonic() < deadline, described
        time.sleep(0.05)


def lines(server: Any, name: str) -> list[str]:
    logs, group = server.client("logs"), "/aws/sagemaker/TrainingJobs"
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    page = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
    return [event["message"] for event in page["events"]]


def test_a_script_from_request_to_model(shared_server: Any) -> None:
    server = shared_server
    create(server, "one", lr="0.5")
    job = wait_for_end(server, "one")
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


def test_a_failure_reason_has_the_exception_and_its_place(shared_server: Any) -> None:
    create(shared_server, "bad", lr="10")
    job = wait_for_end(shared_server, "bad")
    assert job["TrainingJobStatus"] == "Failed"
    assert re.fullmatch(r"AlgorithmError: ValueError: lr is too large \(train.py, line \d+\)", job["FailureReason"])


def test_a_restarted_server_finds_its_job(server: Any) -> None:
    create(server, "long", lr="1", ticks="8")
    while server.client("sagemaker").describe_training_job(TrainingJobName="long")["SecondaryStatus"] != "Training":
        time.sleep(0.02)
    server.end(signal.SIGKILL)
    server.start()
    job = wait_for_end(server, "long")
    assert job["TrainingJobStatus"] == "Completed"
    assert [line for line in lines(server, "long") if line.startswith("tick")] == [f"tick {i}" for i in range(8)]
    assert sum(step["Status"] == "Starting" for step in job["SecondaryStatusTransitions"]) == 1


def test_a_job_is_stopped(shared_server: Any) -> None:
    server = shared_server
    create(server, "stopme", lr="1", ticks="4000")
    while server.client("sagemaker").describe_training_job(TrainingJobName="stopme")["SecondaryStatus"] != "Training":
        time.sleep(0.02)
    server.client("sagemaker").stop_training_job(TrainingJobName="stopme")
    assert wait_for_end(server, "stopme")["TrainingJobStatus"] == "Stopped"
    server.client("sagemaker").stop_training_job(TrainingJobName="stopme")


def test_the_command_line_shows_jobs_and_keys(
    shared_server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NAIAD_STATE", str(shared_server.state))

    def out(*arguments: str) -> str:
        capsys.readouterr()
        assert main(list(arguments)) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    create(shared_server, "shown", lr="0.5")
    wait_for_end(shared_server, "shown")
    assert ["shown", "training", "Completed"] in [line.split()[:3] for line in out("jobs", "list").splitlines()]
    assert "loss 0.25" in out("jobs", "show", "shown")
    assert out("jobs", "logs", "-f", "shown").splitlines()[-1] == "loss: 0.25"
    assert main(["jobs", "show", "nobody"]) == 2
    assert capsys.readouterr().err.splitlines()[0] == "error: there is no job of the name nobody"
    out("keys", "add", "ci")
    assert [key["name"] for key in json.loads(out("keys", "list", "--json"))] == ["default", "ci"]
    variables = json.loads(out("env", "--json"))
    assert variables["AWS_ENDPOINT_URL"] == shared_server.address.url
    assert "TelemetryOptOut: true" in Path(variables["SAGEMAKER_USER_CONFIG_OVERRIDE"]).read_text()


def test_a_second_server_on_the_folder_names_the_first_one(shared_server: Any) -> None:
    environment = {**os.environ, "NAIAD_STATE": str(shared_server.state)}
    command = [sys.executable, "-m", "naiad.cli", "serve", "--port", "0"]
    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert f"is in use by process {shared_server.process.pid}" in second.stderr


def test_connect_trains_as_fit_does(shared_server: Any, tmp_path: Path) -> None:
    import naiad as package  # noqa: PLC0415  # reason: torch, for this test only

    generator = np.random.default_rng(0)
    rows = [f"{x:.3f},{z:.3f},{'high' if x > z else 'low'}" for x, z in generator.random((300, 2))]
    table = tmp_path / "things.csv"
    table.write_text("\n".join(["x,z,kind", *rows]) + "\n")
    connection = package.connect(state=shared_server.state)
    plan = {"batch_size": 32, "optimizer": "adamw", "measure_fraction": 0}
    job = connection.fit("mlp", table, label="kind", epochs=20, report=False, plan=plan)
    output: list[str] = []
    model = job.wait(timeout_s=120, each=output.append).model(tmp_path / "model")
    assert any(line.startswith("epoch 020") for line in output)
    assert job.status == "Completed"
    assert list(model.predict({"x": [0.9, 0.1], "z": [0.1, 0.9]}).labels) == ["high", "low"]
    assert (tmp_path / "model" / "program.pt2").is_file()
    metrics = {metric["MetricName"]: metric["Value"] for metric in job.describe()["FinalMetricDataList"]}
    assert metrics["validation:accuracy"] > 0.8
