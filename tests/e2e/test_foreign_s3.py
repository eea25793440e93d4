"""``naiad serve --s3-endpoint URL``: objects live in a store of somebody else, jobs read and write there."""

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


def serving(state: Path, *options: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(command(state, *options), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if "serving on" in line:
            return process
    raise AssertionError("".join(told))


def command(state: Path, *options: str) -> list[str]:
    always = ["--port", "0", "--no-warm", "--no-aws-hosts", "--state", str(state)]
    return [sys.executable, "-m", "naiad.cli", "serve", *always, *options]


def end(process: "subprocess.Popen[str]") -> int:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    return process.returncode


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a store of somebody else; its keys are in the environment, as for any AWS client."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    process = serving(tmp_path / "foreign")
    at = read_address(tmp_path / "foreign")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", at.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", at.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", at.region)
    yield at.url
    assert end(process) == 0


@pytest.fixture
def state(tmp_path: Path, foreign: str) -> Iterator[Path]:
    process = serving(tmp_path / "state", "--s3-endpoint", foreign)
    yield tmp_path / "state"
    assert end(process) == 0


def own(state: Path, service: str) -> Any:
    at = read_address(state)
    keys = {"aws_access_key_id": at.access_key, "aws_secret_access_key": at.secret_key}
    return boto3.client(service, endpoint_url=at.url, region_name=at.region, **keys)


def create(state: Path, name: str) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/", "S3DataDistributionType": "FullyReplicated"}
    own(state, "sagemaker").create_training_job(
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


def ended(state: Path, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        job = dict(own(state, "sagemaker").describe_training_job(TrainingJobName=name))
        if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.05)


def test_a_job_reads_and_writes_in_the_foreign_store(state: Path, foreign: str) -> None:
    with contextlib.closing(boto3.Session().client("s3", endpoint_url=foreign)) as store:
        store.create_bucket(Bucket="data")
        store.put_object(Bucket="data", Key="in/a.txt", Body=b"from afar\n")
        create(state, "one")
        job = ended(state, "one")
        assert job["TrainingJobStatus"] == "Completed", job
        body = store.get_object(Bucket="data", Key="out/one/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert tar.getnames() == ["copy.txt"]
    log = (state / "jobs" / "training-job" / "one" / "1" / "algo-1" / "log").read_text()
    assert "from afar" in log
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in log
    assert not (state / "blobs").exists()


def test_the_own_door_hands_on_to_the_foreign_store(state: Path, foreign: str) -> None:
    with (
        contextlib.closing(boto3.Session().client("s3", endpoint_url=foreign)) as store,
        contextlib.closing(own(state, "s3")) as door,
    ):
        door.put_object(Bucket="naiad", Key="a", Body=b"through the door")
        assert store.get_object(Bucket="naiad", Key="a")["Body"].read() == b"through the door"
        store.put_object(Bucket="naiad", Key="b", Body=b"there before")
        assert door.get_object(Bucket="naiad", Key="b")["Body"].read() == b"there before"
        assert [row["Key"] for row in door.list_objects_v2(Bucket="naiad")["Contents"]] == ["a", "b"]
        with pytest.raises(ClientError, match="NoSuchKey"):
            door.get_object(Bucket="naiad", Key="nothing")


def refusal(state: Path, endpoint: str) -> str:
    options = command(state, "--s3-endpoint", endpoint)
    ended = subprocess.run(options, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False), ended.stderr
    return ended.stderr


def test_a_store_that_is_not_there_or_has_no_keys_is_told_at_the_start(
    tmp_path: Path, foreign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "S3 store http://127.0.0.1:9 cannot be used" in refusal(tmp_path / "state", "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "AWS_ACCESS_KEY_ID" in refusal(tmp_path / "state", foreign)
