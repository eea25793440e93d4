from typing import Any

import pytest

from naiad.service.domain.errors import InUse, NotFound
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.executors.port import InstanceReport


def process(door: Any, name: str, **changed: Any) -> str:
    request = {
        "ProcessingJobName": name,
        "RoleArn": "arn:aws:iam::000000000000:role/naiad",
        "AppSpecification": {
            "ImageUri": "python",
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/a.py"],
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "out",
                    "S3Output": {
                        "S3Uri": "s3://data/out",
                        "LocalPath": "/opt/ml/processing/out",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        **changed,
    }
    return str(door.sagemaker("CreateProcessingJob", **request)["ProcessingJobArn"])


def test_a_processing_job_to_its_end(door: Any) -> None:
    arn = process(door, "one")
    found = door.sagemaker("DescribeProcessingJob", ProcessingJobName="one")
    assert (found["ProcessingJobArn"], found["ProcessingJobStatus"]) == (arn, "InProgress")
    assert found["ProcessingInputs"] == []
    report = InstanceReport(Phase.FAILED, alive=False, failure_reason="no such column", exit_message="3 rows")
    door.executor.set_reports("one", "algo-1", report)
    door.tick(2)
    found = door.sagemaker("DescribeProcessingJob", ProcessingJobName="one")
    assert (found["ProcessingJobStatus"], found["FailureReason"], found["ExitMessage"]) == (
        "Failed",
        "no such column",
        "3 rows",
    )
    assert found["ProcessingEndTime"] == found["LastModifiedTime"]


def test_kinds_have_names_of_their_own(door: Any) -> None:
    process(door, "one")
    door.train("one")
    assert (
        door.context.jobs.describe(JobKind.PROCESSING, "one").arn
        != door.context.jobs.describe(JobKind.TRAINING, "one").arn
    )
    assert len(door.sagemaker("ListProcessingJobs")["ProcessingJobSummaries"]) == 1


def test_stop_and_list(door: Any) -> None:
    for name in ("one", "two", "three"):
        process(door, name)
    for _ in range(2):
        assert door.sagemaker("StopProcessingJob", ProcessingJobName="one") == {}
    page = door.sagemaker("ListProcessingJobs", MaxResults=2, SortBy="Name")
    assert [one["ProcessingJobName"] for one in page["ProcessingJobSummaries"]] == ["one", "three"]
    rest = door.sagemaker("ListProcessingJobs", MaxResults=2, SortBy="Name", NextToken=page["NextToken"])
    assert [one["ProcessingJobName"] for one in rest["ProcessingJobSummaries"]] == ["two"]
    stopped = door.sagemaker("ListProcessingJobs", StatusEquals="Stopped")["ProcessingJobSummaries"]
    assert [one["ProcessingJobName"] for one in stopped] == ["one"]


def test_a_processing_job_over_its_time_says_so(door: Any) -> None:
    process(door, "one", StoppingCondition={"MaxRuntimeInSeconds": 60})
    message = "its MaxRuntimeInSeconds were over"
    door.executor.set_reports("one", "algo-1", InstanceReport(Phase.MAX_RUNTIME_EXCEEDED, alive=False, message=message))
    for _ in range(3):
        door.supervisor.tick()
    described = door.sagemaker("DescribeProcessingJob", ProcessingJobName="one")
    assert described["ProcessingJobStatus"] == "Stopped"
    assert described["FailureReason"] == "MaxRuntimeExceeded: its MaxRuntimeInSeconds were over"
    [summary] = door.sagemaker("ListProcessingJobs")["ProcessingJobSummaries"]
    assert summary["FailureReason"] == described["FailureReason"]


def test_a_processing_job_that_is_not_there(door: Any) -> None:
    with pytest.raises(NotFound):
        door.sagemaker("DescribeProcessingJob", ProcessingJobName="nobody")


def test_a_processing_job_is_deleted_once_it_has_ended(door: Any) -> None:
    process(door, "one")
    with pytest.raises(InUse):
        door.sagemaker("DeleteProcessingJob", ProcessingJobName="one")
    door.sagemaker("StopProcessingJob", ProcessingJobName="one")
    door.sagemaker("DeleteProcessingJob", ProcessingJobName="one")
    with pytest.raises(NotFound):
        door.sagemaker("DescribeProcessingJob", ProcessingJobName="one")
