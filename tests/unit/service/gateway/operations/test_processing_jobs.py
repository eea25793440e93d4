"""Processing jobs."""

from typing import Any

import pytest

from naiad.service.domain.errors import InUse, NotFound
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.executors.port import InstanceReport


def create(api: Any, name: str, **changed: Any) -> str:
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
    return str(api.sagemaker("CreateProcessingJob", **request)["ProcessingJobArn"])


def test_a_processing_job_to_its_end(api: Any) -> None:
    arn = create(api, "one")
    described = api.sagemaker("DescribeProcessingJob", ProcessingJobName="one")
    assert (described["ProcessingJobArn"], described["ProcessingJobStatus"]) == (arn, "InProgress")
    assert described["ProcessingInputs"] == []
    report = InstanceReport(Phase.FAILED, alive=False, failure_reason="no such column", exit_message="3 rows")
    api.executor.set_reports("one", "algo-1", report)
    api.tick(2)
    described = api.sagemaker("DescribeProcessingJob", ProcessingJobName="one")
    assert (described["ProcessingJobStatus"], described["FailureReason"], described["ExitMessage"]) == (
        "Failed",
        "no such column",
        "3 rows",
    )
    assert described["ProcessingEndTime"] == described["LastModifiedTime"]


def test_two_kinds_of_jobs_may_have_the_same_name(api: Any) -> None:
    create(api, "one")
    api.train("one")
    assert (
        api.services.jobs.describe(JobKind.PROCESSING, "one").arn
        != api.services.jobs.describe(JobKind.TRAINING, "one").arn
    )
    assert len(api.sagemaker("ListProcessingJobs")["ProcessingJobSummaries"]) == 1


def test_stop_and_list(api: Any) -> None:
    for name in ("one", "two", "three"):
        create(api, name)
    for _ in range(2):
        assert api.sagemaker("StopProcessingJob", ProcessingJobName="one") == {}
    page = api.sagemaker("ListProcessingJobs", MaxResults=2, SortBy="Name")
    assert [one["ProcessingJobName"] for one in page["ProcessingJobSummaries"]] == ["one", "three"]
    rest = api.sagemaker("ListProcessingJobs", MaxResults=2, SortBy="Name", NextToken=page["NextToken"])
    assert [one["ProcessingJobName"] for one in rest["ProcessingJobSummaries"]] == ["two"]
    stopped = api.sagemaker("ListProcessingJobs", StatusEquals="Stopped")["ProcessingJobSummaries"]
    assert [one["ProcessingJobName"] for one in stopped] == ["one"]


def test_a_processing_job_that_a_limit_stopped_gives_the_reason(api: Any) -> None:
    create(api, "one", StoppingCondition={"MaxRuntimeInSeconds": 60})
    message = "MaxRuntimeInSeconds was over"
    api.executor.set_reports("one", "algo-1", InstanceReport(Phase.MAX_RUNTIME_EXCEEDED, alive=False, message=message))
    for _ in range(3):
        api.supervisor.tick()
    described = api.sagemaker("DescribeProcessingJob", ProcessingJobName="one")
    assert described["ProcessingJobStatus"] == "Stopped"
    assert described["FailureReason"] == "MaxRuntimeExceeded: MaxRuntimeInSeconds was over"
    [summary] = api.sagemaker("ListProcessingJobs")["ProcessingJobSummaries"]
    assert summary["FailureReason"] == described["FailureReason"]


def test_a_missing_processing_job(api: Any) -> None:
    with pytest.raises(NotFound):
        api.sagemaker("DescribeProcessingJob", ProcessingJobName="nobody")


def test_a_processing_job_can_be_deleted_when_it_has_ended(api: Any) -> None:
    create(api, "one")
    with pytest.raises(InUse):
        api.sagemaker("DeleteProcessingJob", ProcessingJobName="one")
    api.sagemaker("StopProcessingJob", ProcessingJobName="one")
    api.sagemaker("DeleteProcessingJob", ProcessingJobName="one")
    with pytest.raises(NotFound):
        api.sagemaker("DescribeProcessingJob", ProcessingJobName="one")
