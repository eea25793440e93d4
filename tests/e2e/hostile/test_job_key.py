"""The key of a job's program, used to reach more than the job was given."""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

GROUP = "/aws/sagemaker/TrainingJobs"
LIST = "?list-type=2&prefix="
DELETE = b"<Delete><Object><Key>secret</Key></Object></Delete>"
ENDS = ("Completed", "Failed", "Stopped")


@pytest.fixture
def key(target: Any) -> Iterator[tuple[str, str]]:
    """The key of a job that runs until the end of the test."""
    client = target.client("sagemaker")
    name = f"job-{time.monotonic_ns()}"
    program = 'echo "$AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY"; sleep 300'
    client.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={
            "TrainingImage": "any/image",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["sh", "-c", program],
        },
        RoleArn="arn:aws:iam::000000000000:role/naiad",
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source("s3://naiad/data/")}}],
        OutputDataConfig={"S3OutputPath": "s3://naiad/out/"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    try:
        yield printed_key(target, name)
    finally:
        client.stop_training_job(TrainingJobName=name)
        wait_for_end(target, name)


def source(uri: str) -> dict[str, str]:
    return {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}


def running_job(target: Any) -> str:
    (job,) = target.client("sagemaker").list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]
    return str(job["TrainingJobName"])


def printed_key(target: Any, name: str) -> tuple[str, str]:
    """Waits until the job has printed its key."""
    logs, deadline = target.client("logs"), time.monotonic() + 60
    while True:
        for stream in logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]:
            page = logs.get_log_events(logGroupName=GROUP, logStreamName=stream["logStreamName"], startFromHead=True)
            for event in page["events"]:
                if event["message"].startswith("NJOB"):
                    access_key, secret = event["message"].split()
                    return access_key, secret
        assert time.monotonic() < deadline, target.log
        time.sleep(0.02)


def wait_for_end(target: Any, name: str) -> None:
    client, deadline = target.client("sagemaker"), time.monotonic() + 60
    while client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] not in ENDS:
        assert time.monotonic() < deadline, target.log
        time.sleep(0.02)


def test_the_key_reaches_what_the_job_was_given_and_nothing_else(target: Any, key: tuple[str, str]) -> None:
    name = running_job(target)
    assert target.call("GET", "/naiad/data/a.txt", key=key)[1].endswith("\r\nabcdefghij")
    assert target.call("GET", "/naiad", query=f"{LIST}data%2F", key=key)[0] == 200
    assert target.call("PUT", f"/naiad/out/{name}/x", b"x", key=key)[0] == 200
    for method, path, query, body in (
        ("GET", "/naiad/secret", "", b""),
        ("HEAD", "/naiad/secret", "", b""),
        ("GET", "/naiad/database", "", b""),
        ("GET", "/other/data/a.txt", "", b""),
        ("GET", "/naiad", LIST, b""),
        ("GET", "/naiad", f"{LIST}s", b""),
        ("GET", "/naiad", "?uploads=", b""),
        ("GET", "/", "", b""),
        ("PUT", "/naiad/data/a.txt", "", b"x"),
        ("PUT", "/naiad/out/another/x", "", b"x"),
        ("PUT", f"/naiad/out/{name}-2/x", "", b"x"),
        ("DELETE", "/naiad/data/a.txt", "", b""),
        ("DELETE", "/naiad", "", b""),
        ("PUT", "/another", "", b""),
        ("POST", "/naiad/secret", "?uploads=", b""),
    ):
        status, text = target.call(method, path, body, query=query, key=key)
        assert status == 403, (method, path, query, text)
        assert "classified" not in text
    assert target.client("s3").get_object(Bucket="naiad", Key="data/a.txt")["Body"].read() == b"abcdefghij"


@pytest.mark.parametrize("path", ["/naiad/data/../secret", "/naiad/data/%2e%2e/secret", "/naiad/data/..%2fsecret"])
def test_dots_in_a_name_reach_no_other_object(target: Any, key: tuple[str, str], path: str) -> None:
    """The key may ask for an object of that odd name below what the job was given; there is none."""
    status, text = target.call("GET", path, key=key)
    assert (status, "classified" in text) == (404, False), text


def test_dots_in_a_name_overwrite_nothing(target: Any, key: tuple[str, str]) -> None:
    name = running_job(target)
    target.call("PUT", f"/naiad/out/{name}/../../secret", b"x", key=key)
    assert target.client("s3").get_object(Bucket="naiad", Key="secret")["Body"].read() == b"classified"
    target.call("DELETE", f"/naiad/out/{name}/../../secret", key=key)
    assert target.client("s3").get_object(Bucket="naiad", Key="secret")["Body"].read() == b"classified"


def test_the_key_copies_and_deletes_no_other_object(target: Any, key: tuple[str, str]) -> None:
    mine = f"/naiad/out/{running_job(target)}/copied"
    dotted = "data/../secret"
    for copied, expected in (
        ("/naiad/secret", 403),
        ("naiad/secret", 403),
        (f"naiad/{dotted}", 404),
        (f"naiad/{quote(dotted, safe='')}", 404),
    ):
        status, text = target.call("PUT", mine, headers={"x-amz-copy-source": copied}, key=key)
        assert status == expected, text
    status, text = target.call("POST", "/naiad", DELETE, query="?delete=", key=key)
    assert status == 403 or "<Code>AccessDenied</Code>" in text, text
    assert target.client("s3").get_object(Bucket="naiad", Key="secret")["Body"].read() == b"classified"


def test_presigned_urls_reach_no_more_than_the_key(target: Any, key: tuple[str, str]) -> None:
    access_key, secret = key
    store = target.client("s3", aws_access_key_id=access_key, aws_secret_access_key=secret)
    for name, status in (("data/a.txt", 200), ("secret", 403)):
        url = store.generate_presigned_url("get_object", {"Bucket": "naiad", "Key": name})
        assert target.get(url.removeprefix(target.address.url))[0] == status


@pytest.mark.parametrize(
    "operation",
    ["CreateTrainingJob", "StopTrainingJob", "ListTrainingJobs", "AddTags", "DeleteTrainingJob"],
)
def test_the_key_calls_no_api_of_jobs(target: Any, key: tuple[str, str], operation: str) -> None:
    body = json.dumps({"TrainingJobName": running_job(target)}).encode()
    status, text = target.api(body, f"SageMaker.{operation}", key=key)
    assert (status, "AccessDenied" in text) == (400, True), text


def test_the_key_describes_its_own_job_only(target: Any, key: tuple[str, str]) -> None:
    for name, expected in ((running_job(target), 200), ("another-job", 400)):
        body = json.dumps({"TrainingJobName": name}).encode()
        status, text = target.api(body, "SageMaker.DescribeTrainingJob", key=key)
        assert (status, "AccessDenied" in text) == (expected, expected == 400), text


def test_the_key_ends_with_the_job(target: Any, key: tuple[str, str]) -> None:
    name = running_job(target)
    assert target.call("GET", "/naiad/data/a.txt", key=key)[0] == 200
    target.client("sagemaker").stop_training_job(TrainingJobName=name)
    wait_for_end(target, name)
    status, text = target.call("GET", "/naiad/data/a.txt", key=key)
    assert (status, "InvalidAccessKeyId" in text) == (403, True), text
