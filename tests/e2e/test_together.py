"""Several processes train one model: started by torchrun, and as the instances of a job."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import naiad

SCRIPT = str(Path(sys.executable).with_name("naiad"))
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0")


def write_table(path: Path) -> Path:
    generator = np.random.default_rng(0)
    rows = [f"{x:.3f},{z:.3f},{'high' if x > z else 'low'}" for x, z in generator.random((300, 2))]
    path.write_text("\n".join(["x,z,kind", *rows]) + "\n")
    return path


def by_torchrun(*words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [*TORCHRUN, "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_torchrun_trains_one_model_and_one_process_prints(tmp_path: Path) -> None:
    table = write_table(tmp_path / "things.csv")
    options = ["mlp", str(table), "--label", "kind", "--epochs", "4", "--set", "batch_size=32", "--no-report", "--json"]
    done = by_torchrun("-m", "naiad.cli", "train", *options, "--out", str(tmp_path / "together"))
    assert done.returncode == 0, done.stderr
    evaluations = json.loads(done.stdout)["evaluations"]
    assert done.stderr.count("epoch 004") == 1
    alone = naiad.fit(
        "mlp", table, label="kind", epochs=4, plan={"batch_size": 32}, report=False, out=tmp_path / "alone"
    )
    ours, theirs = (
        safetensors.torch.load_file(tmp_path / name / "model.safetensors") for name in ("together", "alone")
    )
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-3, atol=1e-4)
    assert evaluations["validation"]["samples"] == alone.evaluations["validation"]["samples"]
    assert json.loads((tmp_path / "together" / "run.json").read_text())["processes"] == 2


@pytest.mark.slow
def test_torchrun_starts_the_naiad_command_and_an_error_is_printed_once(tmp_path: Path) -> None:
    table = write_table(tmp_path / "things.csv")
    options = ["mlp", str(table), "--label", "kind", "--epochs", "2", "--no-report", "--json"]
    done = by_torchrun(SCRIPT, "train", *options, "--out", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["epochs"] == 2
    failed = by_torchrun(SCRIPT, "train", *options[:3], "kindd", "--out", str(tmp_path / "wrong"))
    assert failed.returncode != 0
    assert failed.stderr.count("error: ") == 1, failed.stderr
    assert "kindd" in failed.stderr
    assert "exitcode  : 2" in failed.stderr
    assert not (tmp_path / "wrong").exists()


@pytest.mark.slow
def test_the_instances_of_a_job_train_one_model(server: Any, tmp_path: Path) -> None:
    connection = naiad.connect(state=server.state)
    table = write_table(tmp_path / "things.csv")
    job = connection.fit(
        "mlp", table, label="kind", epochs=20, report=False, plan={"batch_size": 32}, name="pair", instances=2
    )
    lines: list[str] = []
    model = job.wait(timeout_s=180, each=lines.append).model(tmp_path / "model")
    described = job.describe()
    assert (job.status, described["ResourceConfig"]["InstanceCount"]) == ("Completed", 2)
    assert sum(line.startswith("epoch 020") for line in lines) == 1
    assert list(model.predict({"x": [0.9, 0.1], "z": [0.1, 0.9]}).labels) == ["high", "low"]
    assert {metric["MetricName"] for metric in described["FinalMetricDataList"]} >= {"validation:accuracy"}
    streams = server.client("logs").describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs")["logStreams"]
    assert len(streams) == 2
    assert model.path is None or not (Path(model.path) / "checkpoints").exists()


@pytest.mark.slow
def test_a_job_of_two_instances_is_stopped_and_continues_from_its_checkpoints(server: Any, tmp_path: Path) -> None:
    store, sagemaker = server.client("s3"), server.client("sagemaker")
    store.upload_file(str(write_table(tmp_path / "things.csv")), "naiad", "table/things.csv")

    def start(name: str, epochs: int) -> None:
        source = {"S3DataType": "S3Prefix", "S3Uri": "s3://naiad/table/", "S3DataDistributionType": "FullyReplicated"}
        sagemaker.create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification={"TrainingImage": "naiad/trainer", "TrainingInputMode": "File"},
            RoleArn="arn:aws:iam::000000000000:role/naiad",
            HyperParameters={
                "net": "mlp",
                "label": "kind",
                "epochs": str(epochs),
                "report": "false",
                "plan.batch_size": "8",
            },
            InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
            OutputDataConfig={"S3OutputPath": "s3://naiad/out/"},
            CheckpointConfig={"S3Uri": "s3://naiad/checkpoints/"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 600},
        )

    def stop_at_line(name: str, *, line: str) -> dict[str, Any]:
        deadline = time.monotonic() + 180
        while True:
            described = dict(sagemaker.describe_training_job(TrainingJobName=name))
            if described["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
                return described
            assert time.monotonic() < deadline, described
            if described["SecondaryStatus"] == "Training" and line in logged(name):
                sagemaker.stop_training_job(TrainingJobName=name)
            time.sleep(0.05)

    def logged(name: str) -> str:
        logs, group = server.client("logs"), "/aws/sagemaker/TrainingJobs"
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
        pages = [
            logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
            for stream in streams
        ]
        return "\n".join(event["message"] for page in pages for event in page["events"])

    start("first", 2000)
    stopped = stop_at_line("first", line="epoch 003")
    assert stopped["TrainingJobStatus"] == "Stopped", stopped
    assert logged("first").count("stopped by SIGTERM at step") == 2
    start("second", 2000)
    stopped = stop_at_line("second", line="going on from the checkpoint at step")
    assert stopped["TrainingJobStatus"] == "Stopped", stopped
