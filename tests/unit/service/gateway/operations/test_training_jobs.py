"""Training jobs."""

import datetime as dt
from typing import Any

import pytest

from naiad.service.domain.errors import InUse, Invalid, NotFound
from naiad.service.domain.status import Phase

READ_BY_SDKS = (
    "ModelArtifacts",
    "OutputDataConfig",
    "ResourceConfig",
    "SecondaryStatusTransitions",
    "FinalMetricDataList",
    "HyperParameters",
    "InputDataConfig",
    "EnableNetworkIsolation",
    "EnableManagedSpotTraining",
    "StoppingCondition",
    "LastModifiedTime",
)


def describe(api: Any, name: str) -> dict[str, Any]:
    output: dict[str, Any] = api.sagemaker("DescribeTrainingJob", TrainingJobName=name)
    return output


def test_the_description_of_a_waiting_job(api: Any) -> None:
    arn = api.train("one")
    described = describe(api, "one")
    assert (described["TrainingJobArn"], described["TrainingJobName"]) == (arn, "one")
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("InProgress", "Pending")
    assert set(READ_BY_SDKS) <= set(described)
    assert described["OutputDataConfig"]["KmsKeyId"] == ""
    assert "TrainingStartTime" not in described


def test_the_description_of_a_completed_job(api: Any) -> None:
    api.train("one", HyperParameters={"epochs": "2"}, RetryStrategy={"MaximumRetryAttempts": 2})
    api.tick()
    api.write(
        "one", "metrics.jsonl", '{"name": "acc", "value": 0.5, "time": 1}\n{"name": "acc", "value": 0.9, "time": 2}\n'
    )
    api.finish("one")
    described = describe(api, "one")
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Completed", "Completed")
    assert described["ModelArtifacts"] == {"S3ModelArtifacts": "s3://data/out/one/output/model.tar.gz"}
    assert described["TrainingEndTime"] >= described["TrainingStartTime"]
    assert described["BillableTimeInSeconds"] == described["TrainingTimeInSeconds"] >= 1
    assert [one["Status"] for one in described["SecondaryStatusTransitions"]][-1] == "Completed"
    assert described["FinalMetricDataList"] == [
        {"MetricName": "acc", "Value": 0.9, "Timestamp": dt.datetime.fromtimestamp(2, dt.UTC)}
    ]
    assert described["HyperParameters"] == {"epochs": "2"}


def test_a_failure_reason_has_at_most_1024_characters(api: Any) -> None:
    api.train("one")
    api.tick()
    api.finish("one", Phase.FAILED, "x" * 3000)
    assert describe(api, "one")["FailureReason"] == "x" * 1024


def test_an_uncompressed_model_is_a_folder(api: Any) -> None:
    api.train("one", OutputDataConfig={"S3OutputPath": "s3://data/out", "CompressionType": "NONE"})
    assert describe(api, "one")["ModelArtifacts"]["S3ModelArtifacts"] == "s3://data/out/one/output/model/"


def test_list_filters_sorts_and_pages(api: Any) -> None:
    for name in ("b-cat", "a-dog", "c-cat"):
        api.train(name)
    middle = describe(api, "a-dog")["CreationTime"]

    def names(**request: Any) -> list[str]:
        return [one["TrainingJobName"] for one in api.sagemaker("ListTrainingJobs", **request)["TrainingJobSummaries"]]

    api.sagemaker("StopTrainingJob", TrainingJobName="b-cat")
    assert names() == ["b-cat", "a-dog", "c-cat"]
    assert names(SortBy="Name", SortOrder="Descending") == ["c-cat", "b-cat", "a-dog"]
    assert names(NameContains="cat") == ["b-cat", "c-cat"]
    assert names(StatusEquals="Stopped") == ["b-cat"]
    assert names(CreationTimeAfter=middle) == ["a-dog", "c-cat"]
    assert names(CreationTimeBefore=middle.replace(tzinfo=None)) == ["b-cat", "a-dog"]
    assert names(WarmPoolStatusEquals="InUse") == []
    first = api.sagemaker("ListTrainingJobs", MaxResults=2)
    assert len(first["TrainingJobSummaries"]) == 2
    assert names(MaxResults=2, NextToken=first["NextToken"]) == ["c-cat"]


def test_stop_is_idempotent(api: Any) -> None:
    api.train("one")
    api.tick()
    for _ in range(3):
        assert api.sagemaker("StopTrainingJob", TrainingJobName="one") == {}
    assert describe(api, "one")["SecondaryStatus"] == "Stopping"
    api.tick(2)
    api.sagemaker("StopTrainingJob", TrainingJobName="one")
    assert describe(api, "one")["TrainingJobStatus"] == "Stopped"


@pytest.mark.parametrize("name", ["DescribeTrainingJob", "StopTrainingJob"])
def test_a_missing_job(api: Any, name: str) -> None:
    with pytest.raises(NotFound):
        api.sagemaker(name, TrainingJobName="nobody")


def test_only_the_keep_alive_period_can_be_updated(api: Any) -> None:
    api.train("one")
    api.sagemaker("UpdateTrainingJob", TrainingJobName="one", ResourceConfig={"KeepAlivePeriodInSeconds": 90})
    assert describe(api, "one")["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 90
    with pytest.raises(Invalid, match="ProfilerConfig cannot be changed"):
        api.sagemaker("UpdateTrainingJob", TrainingJobName="one", ProfilerConfig={})


def test_a_waiting_job_shows_its_queue_position(api: Any) -> None:
    for name in ("one", "two", "three"):
        api.train(name)
    api.tick(2)
    message = describe(api, "three")["SecondaryStatusTransitions"][-1]["StatusMessage"]
    assert message == "waits for cores and memory, 2 of 2 in the queue"
    assert "queue" not in describe(api, "one")["SecondaryStatusTransitions"][-1]["StatusMessage"]


def test_a_job_can_be_deleted_when_it_has_ended(api: Any) -> None:
    api.train("one")
    api.tick()
    with pytest.raises(InUse):
        api.sagemaker("DeleteTrainingJob", TrainingJobName="one")
    api.finish("one")
    api.sagemaker("DeleteTrainingJob", TrainingJobName="one")
    for name in ("DescribeTrainingJob", "DeleteTrainingJob"):
        with pytest.raises(NotFound):
            api.sagemaker(name, TrainingJobName="one")
    api.train("one")


def test_a_job_with_invalid_options_of_mpi_is_not_made(api: Any) -> None:
    script = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://data/source.tar.gz"}
    image = {"TrainingImage": "me/own:1", "TrainingInputMode": "File"}
    for name, text in (
        ("sagemaker_mpi_custom_mpi_options", "--NCCL_DEBUG"),
        ("sagemaker_mpi_custom_mpi_options", '"unbalanced'),
        ("sagemaker_mpi_num_of_processes_per_host", "x"),
    ):
        with pytest.raises(Invalid, match="mpi"):
            api.train("one", AlgorithmSpecification=image, HyperParameters={**script, name: text})
    assert api.sagemaker("ListTrainingJobs")["TrainingJobSummaries"] == []
