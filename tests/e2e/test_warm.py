"""A server that keeps an interpreter with torch loaded: its jobs have torch at once."""

import io
import signal
import tarfile
import time
from typing import Any

import pytest
import torch

pytestmark = pytest.mark.slow
IS_DRAWN = torch.initial_seed() != 67280421310721
SCRIPT = """
import time
begin = time.time()
import torch
elapsed = time.time() - begin
print("torch", "at once" if elapsed < 0.2 else "loaded", torch.get_num_threads(), "seed", torch.initial_seed())
"""


@pytest.fixture
def warm_server(server: Any) -> Any:
    """The fixture's server, started again with a warm interpreter."""
    assert server.end(signal.SIGTERM) == 0
    server.start("--warm")
    return server


def last_line(server: Any, name: str) -> str:
    """Runs the script in a job of this name, and returns its last line."""
    sagemaker, logs, group = server.client("sagemaker"), server.client("logs"), "/aws/sagemaker/TrainingJobs"
    sagemaker.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={"TrainingImage": "any/pytorch-training:2", "TrainingInputMode": "File"},
        RoleArn="arn:aws:iam::000000000000:role/naiad",
        HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://naiad/warm.tar.gz"},
        OutputDataConfig={"S3OutputPath": "s3://naiad/out/"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        Tags=[{"Key": "naiad:cores", "Value": "1"}],
    )
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    page = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
    return str(page["events"][-1]["message"])


def test_torch_is_there_at_once(warm_server: Any) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        info = tarfile.TarInfo("train.py")
        info.size = len(SCRIPT)
        tar.addfile(info, io.BytesIO(SCRIPT.encode()))
    warm_server.client("s3").put_object(Bucket="naiad", Key="warm.tar.gz", Body=archive.getvalue())
    deadline, lines, number = time.monotonic() + 90, [], 0
    while "at once" not in (lines or [""])[-1]:
        assert time.monotonic() < deadline, lines
        lines.append(last_line(warm_server, f"job-{number}"))
        number += 1
    lines += [last_line(warm_server, "one-more")]
    threads, seeds = zip(*((line.split()[-3], line.split()[-1]) for line in lines), strict=True)
    assert set(threads) == {"1"}
    assert len(set(seeds)) == (len(seeds) if IS_DRAWN else 1)
