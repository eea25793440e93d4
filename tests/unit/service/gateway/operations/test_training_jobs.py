import datetime as dt
from typing import Any

import pytest

from naiad.service.domain.errors import InUse, Invalid, NotFound
from naiad.service.domain.status import Phase

BLINDLY_READ = (
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


def describe(door: Any, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = door.sagemaker("DescribeTrainingJob", TrainingJobName=name)
    return answer


def test_a_job_that_waits_is_described(door: Any) -> None:
    arn = door.train("one")
    found = describe(door, "one")
    assert (found["TrainingJobArn"], found["TrainingJobName"]) == (arn, "one")
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("InProgress", "Pending")
    assert set(BLINDLY_READ) <= set(found)
    assert found["OutputDataConfig"]["KmsKeyId"] == ""
    assert "TrainingStartTime" not in found


def test_a_job_that_is_done_is_described(door: Any) -> None:
    door.train("one", HyperParameters={"epochs": "2"}, RetryStrategy={"MaximumRetryAttempts": 2})
    door.tick()
    door.write(
        "one", "metrics.jsonl", '{"name": "acc", "value": 0.5, "time": 1}\n{"name": "acc", "value": 0.9, "time": 2}\n'
    )
    door.finish("one")
    found = describe(door, "one")
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Completed", "Completed")
    assert found["ModelArtifacts"] == {"S3ModelArtifacts": "s3://data/out/one/output/model.tar.gz"}
    assert found["TrainingEndTime"] >= found["TrainingStartTime"]
    assert found["BillableTimeInSeconds"] == found["TrainingTimeInSeconds"] >= 1
    assert [one["Status"] for one in found["SecondaryStatusTransitions"]][-1] == "Completed"
    assert found["FinalMetricDataList"] == [
        {"MetricName": "acc", "Value": 0.9, "Timestamp": dt.datetime.fromtimestamp(2, dt.UTC)}
    ]
    assert found["HyperParameters"] == {"epochs": "2"}


def test_a_failed_job_tells_why_in_1024_characters(door: Any) -> None:
    door.train("one")
    door.tick()
    door.finish("one", Phase.FAILED, "x" * 3000)
    assert describe(door, "one")["FailureReason"] == "x" * 1024


def test_plain_model_files_have_a_folder(door: Any) -> None:
    door.train("one", OutputDataConfig={"S3OutputPath": "s3://data/out", "CompressionType": "NONE"})
    assert describe(door, "one")["ModelArtifacts"]["S3ModelArtifacts"] == "s3://data/out/one/output/model/"


def test_list_filters_sorts_and_pages(door: Any) -> None:
    for name in ("b-cat", "a-dog", "c-cat"):
        door.train(name)
    middle = describe(door, "a-dog")["CreationTime"]

    def names(**asked: Any) -> list[str]:
        return [one["TrainingJobName"] for one in door.sagemaker("ListTrainingJobs", **asked)["TrainingJobSummaries"]]

    door.sagemaker("StopTrainingJob", TrainingJobName="b-cat")
    assert names() == ["b-cat", "a-dog", "c-cat"]
    assert names(SortBy="Name", SortOrder="Descending") == ["c-cat", "b-cat", "a-dog"]
    assert names(NameContains="cat") == ["b-cat", "c-cat"]
    assert names(StatusEquals="Stopped") == ["b-cat"]
    assert names(CreationTimeAfter=middle) == ["a-dog", "c-cat"]
    assert names(CreationTimeBefore=middle.replace(tzinfo=None)) == ["b-cat", "a-dog"]
    assert names(WarmPoolStatusEquals="InUse") == []
    first = door.sagemaker("ListTrainingJobs", MaxResults=2)
    assert len(first["TrainingJobSummaries"]) == 2
    assert names(MaxResults=2, NextToken=first["NextToken"]) == ["c-cat"]


def test_stop_is_idempotent(door: Any) -> None:
    door.train("one")
    door.tick()
    for _ in range(3):
        assert door.sagemaker("StopTrainingJob", TrainingJobName="one") == {}
    assert describe(door, "one")["SecondaryStatus"] == "Stopping"
    door.tick(2)
    door.sagemaker("StopTrainingJob", TrainingJobName="one")
    assert describe(door, "one")["TrainingJobStatus"] == "Stopped"


@pytest.mark.parametrize("name", ["DescribeTrainingJob", "StopTrainingJob"])
def test_a_job_that_is_not_there(door: Any, name: str) -> None:
    with pytest.raises(NotFound):
        door.sagemaker(name, TrainingJobName="nobody")


def test_only_the_keep_alive_period_can_be_updated(door: Any) -> None:
    door.train("one")
    door.sagemaker("UpdateTrainingJob", TrainingJobName="one", ResourceConfig={"KeepAlivePeriodInSeconds": 90})
    assert describe(door, "one")["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 90
    with pytest.raises(Invalid, match="ProfilerConfig cannot be changed"):
        door.sagemaker("UpdateTrainingJob", TrainingJobName="one", ProfilerConfig={})


def test_a_job_that_waits_says_where_in_the_queue(door: Any) -> None:
    for name in ("one", "two", "three"):
        door.train(name)
    door.tick(2)
    told = describe(door, "three")["SecondaryStatusTransitions"][-1]["StatusMessage"]
    assert told == "waits for cores and memory, 2 of 2 in the queue"
    assert "queue" not in describe(door, "one")["SecondaryStatusTransitions"][-1]["StatusMessage"]


def test_a_job_is_deleted_once_it_has_ended(door: Any) -> None:
    door.train("one")
    door.tick()
    with pytest.raises(InUse):
        door.sagemaker("DeleteTrainingJob", TrainingJobName="one")
    door.finish("one")
    door.sagemaker("DeleteTrainingJob", TrainingJobName="one")
    for name in ("DescribeTrainingJob", "DeleteTrainingJob"):
        with pytest.raises(NotFound):
            door.sagemaker(name, TrainingJobName="one")
    door.train("one")
