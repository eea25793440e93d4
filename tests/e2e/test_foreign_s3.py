"""``naiad serve --s3-endpoint URL``: objects are in another S3 store, and jobs read and write there."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from naiad.home import read_address

PROGRAM = (
    "echo key $AWS_SECRET_ACCESS_KEY; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep AWS_SECRET; "
    "cat $SM_CHANNEL_TRAIN/a.txt; cp $SM_CHANNEL_TRAIN/a.txt $SM_MODEL_DIR/copy.txt"
)


def start_server(state: Path, *options: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(serve_command(state, *options), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "serving on" in line:
            return process
    raise AssertionError("".join(lines))


def serve_command(state: Path, *options: str) -> list[str]:
    common = ["--port", "0", "--no-warm", "--no-aws-hosts", "--state", str(state)]
    return [sys.executable, "-m", "naiad.cli", "serve", *common, *options]


def stop_server(process: "subprocess.Popen[str]") -> int:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    return process.returncode


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of another S3 store; its keys are in the environment, as for any AWS client."""
    folder = tmp_path_factory.mktemp("foreign") / "state"
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        process = start_server(folder)
        address = read_address(folder)
        patch.setenv("AWS_ACCESS_KEY_ID", address.access_key)
        patch.setenv("AWS_SECRET_ACCESS_KEY", address.secret_key)
        patch.setenv("AWS_DEFAULT_REGION", address.region)
        yield address.url
        assert stop_server(process) == 0


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory, foreign: str) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("own") / "state"
    process = start_server(folder, "--s3-endpoint", foreign)
    yield folder
    assert stop_server(process) == 0


def make_client(state: Path, service: str) -> Any:
    address = read_address(state)
    keys = {"aws_access_key_id": address.access_key, "aws_secret_access_key": address.secret_key}
    return boto3.client(service, endpoint_url=address.url, region_name=address.region, **keys)


def create_job(state: Path, name: str) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/", "S3DataDistributionType": "FullyReplicated"}
    make_client(state, "sagemaker").create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={
            "TrainingImage": "any",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["/bin/sh", "-c", PROGRAM],
        },
        RoleArn="arn:aws:iam::000000000000:role/naiad",
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": "s3://data/out/"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )


def wait_for_end(state: Path, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        job = dict(make_client(state, "sagemaker").describe_training_job(TrainingJobName=name))
        if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.05)


def test_a_job_reads_and_writes_in_the_foreign_store(state: Path, foreign: str) -> None:
    with contextlib.closing(boto3.Session().client("s3", endpoint_url=foreign)) as store:
        store.create_bucket(Bucket="data")
        store.put_object(Bucket="data", Key="in/a.txt", Body=b"from afar\n")
        create_job(state, "one")
        job = wait_for_end(state, "one")
        assert job["TrainingJobStatus"] == "Completed", job
        body = store.get_object(Bucket="data", Key="out/one/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert tar.getnames() == ["copy.txt"]
    log = (state / "jobs" / "training-job" / "one" / "1" / "algo-1" / "log").read_text()
    assert "from afar" in log
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in log
    assert not (state / "blobs").exists()


def test_the_s3_operations_of_the_server_use_the_foreign_store(state: Path, foreign: str) -> None:
    with (
        contextlib.closing(boto3.Session().client("s3", endpoint_url=foreign)) as store,
        contextlib.closing(make_client(state, "s3")) as own,
    ):
        own.put_object(Bucket="naiad", Key="a", Body=b"through the server")
        assert store.get_object(Bucket="naiad", Key="a")["Body"].read() == b"through the server"
        store.put_object(Bucket="naiad", Key="b", Body=b"there before")
        assert own.get_object(Bucket="naiad", Key="b")["Body"].read() == b"there before"
        assert [row["Key"] for row in own.list_objects_v2(Bucket="naiad")["Contents"]] == ["a", "b"]
        with pytest.raises(ClientError, match="NoSuchKey"):
            own.get_object(Bucket="naiad", Key="nothing")


def start_error(state: Path, endpoint: str) -> str:
    options = serve_command(state, "--s3-endpoint", endpoint)
    completed = subprocess.run(options, capture_output=True, text=True, check=False, timeout=60)
    assert (completed.returncode, "Traceback" in completed.stderr) == (2, False), completed.stderr
    return completed.stderr


def test_a_missing_store_or_missing_keys_are_reported_at_the_start(
    tmp_path: Path, foreign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "S3 store http://127.0.0.1:9 cannot be used" in start_error(tmp_path / "state", "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "AWS_ACCESS_KEY_ID" in start_error(tmp_path / "state", foreign)
