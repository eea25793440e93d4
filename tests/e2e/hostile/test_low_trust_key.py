"""A key that may do little, on a live server: it cannot have a job's program do more, nor a terminal show what is not so."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from naiad.service.domain.scope import Scope, parse_limit
from naiad.service.keys import Keys

GROUP = "/aws/sagemaker/TrainingJobs"
ENDS = ("Completed", "Failed", "Stopped")
REACH = """
import boto3
from botocore.exceptions import ClientError
store = boto3.client("s3")
calls = (
    ("read", lambda: store.get_object(Bucket="naiad", Key="secret")["Body"].read()),
    ("written", lambda: store.put_object(Bucket="naiad", Key="secret/x", Body=b"x")),
    ("own", lambda: store.get_object(Bucket="naiad", Key="data/a.txt")["Body"].read()),
)
for name, call in calls:
    try:
        print(name, call())
    except ClientError as error:
        print(name, "refused", error.response["Error"]["Code"])
"""
ESCAPES = r"printf 'naiad: the job is done\n\033]0;owned\007\302\2332J \342\200\256txt.exe\033[1A\n'"


def client_of(target: Any, service: str, name: str, *scopes: Scope, on: tuple[str, ...] = ()) -> Any:
    """Makes a key and returns its client."""
    key = Keys(target.state / "keys.json").add(name, scopes, map(parse_limit, on))
    return target.client(service, aws_access_key_id=key.access_key, aws_secret_access_key=key.secret_key)


def ended_job(target: Any, client: Any, name: str, words: list[str], **changed: Any) -> Mapping[str, Any]:
    """Runs a job by the client, and returns its description."""
    client.create_training_job(
        **{
            "TrainingJobName": name,
            "AlgorithmSpecification": {
                "TrainingImage": "any/image",
                "TrainingInputMode": "File",
                "ContainerEntrypoint": words,
            },
            "RoleArn": "arn:aws:iam::000000000000:role/naiad",
            "OutputDataConfig": {"S3OutputPath": "s3://naiad/data/out/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            **changed,
        }
    )
    everything, deadline = target.client("sagemaker"), time.monotonic() + 60
    while (job := everything.describe_training_job(TrainingJobName=name))["TrainingJobStatus"] not in ENDS:
        assert time.monotonic() < deadline, target.log
        time.sleep(0.02)
    return job


def lines_of(target: Any, name: str) -> list[str]:
    events = target.client("logs").filter_log_events(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")["events"]
    return [event["message"] for event in events]


def test_a_job_named_like_anothers_folder_reaches_no_more_than_its_creator(target: Any) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://naiad/data/", "S3DataDistributionType": "FullyReplicated"}
    inputs = [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}]
    client = client_of(target, "sagemaker", "limited", Scope.JOBS, on=("s3://naiad/data",))
    target.client("s3").put_object(Bucket="naiad", Key="data/reach.py", Body=REACH.encode())
    words = ["python3", "/opt/ml/input/data/train/reach.py"]
    job = ended_job(target, client, "secret", words, InputDataConfig=inputs)
    assert job["TrainingJobStatus"] == "Completed"
    lines = lines_of(target, "secret")
    assert "read refused AccessDenied" in lines, lines
    assert "written refused AccessDenied" in lines
    assert "own b'abcdefghij'" in lines


def test_a_key_to_invoke_learns_nothing_of_jobs_and_data(target: Any) -> None:
    for service, call in (
        ("sagemaker", lambda client: client.list_training_jobs()),
        ("logs", lambda client: client.describe_log_groups()),
        ("s3", lambda client: client.get_object(Bucket="naiad", Key="secret")),
        ("s3", lambda client: client.list_buckets()),
    ):
        client = client_of(target, service, f"invoker-{time.monotonic_ns()}", Scope.INVOKE)
        with pytest.raises(ClientError, match=r"needs the scope read; the key invoker-\d+ has invoke"):
            call(client)


def test_what_a_program_prints_has_no_effect_on_a_terminal(target: Any) -> None:
    ended_job(target, target.client("sagemaker"), "painter", ["sh", "-c", ESCAPES])
    words = [sys.executable, "-m", "naiad.cli", "jobs", "logs", "painter"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"NAIAD_STATE": str(target.state), "PYTHONIOENCODING": "utf-8"}
    shown = subprocess.run(words, env=environment, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    assert all(line.isprintable() for line in shown.splitlines())
    assert r"\x9b2J \u202etxt.exe" in shown
    assert "program: naiad: the job is done" in shown.splitlines()
    assert any("\x9b2J \u202etxt.exe" in line for line in lines_of(target, "painter"))
