"""Tuning jobs through the API: each answer is checked against AWS's model."""

from collections.abc import Callable
from typing import Any

import pytest
from tuning_world import InlineSearch, tuning_request

from naiad.service.domain.errors import Invalid, ResourceNotFound
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.gateway.protocol.parser import from_json
from naiad.service.gateway.protocol.service_models import operation_model
from naiad.service.store.port import JobQuery
from naiad.service.tuning.open import open_tuning_driver

OBJECTIVE = {"Type": "Minimize", "MetricName": "validation:loss"}


@pytest.fixture
def tune(api: Any) -> Callable[..., dict[str, Any]]:
    """Runs a tuning job to its end: ``tune(name, values, **config)``; the objective of each trial comes from ``values``."""
    driver = open_tuning_driver(api.services.tunings, api.services.store, InlineSearch())

    def run(name: str, values: list[float | None], **config: Any) -> dict[str, Any]:
        extra = config.pop("extra", {})
        config.setdefault("ResourceLimits", {"MaxNumberOfTrainingJobs": len(values), "MaxParallelTrainingJobs": 1})
        api.sagemaker("CreateHyperParameterTuningJob", **{**tuning_request(name, **config), **extra})
        for _ in range(20 * len(values)):
            driver.tick()
            api.tick()
            for job in api.services.jobs.find(JobQuery(JobKind.TRAINING, name_contains=f"{name}-")).jobs:
                if job.phase is Phase.STARTING:
                    finish(api, job.name, values[int(job.name.split("-")[-2]) - 1])
        return describe(api, name)

    return run


def finish(api: Any, name: str, value: float | None) -> None:
    """Ends a trial's job with its objective; None: it fails."""
    if value is None:
        api.finish(name, Phase.FAILED, "AlgorithmError: no")
        return
    api.write(name, "metrics.jsonl", f'{{"name": "validation:loss", "value": {value}, "time": 1}}\n')
    api.finish(name)


def describe(api: Any, name: str) -> dict[str, Any]:
    description: dict[str, Any] = api.sagemaker("DescribeHyperParameterTuningJob", HyperParameterTuningJobName=name)
    return description


def listed(api: Any, name: str, **more: Any) -> list[dict[str, Any]]:
    answer = api.sagemaker(
        "ListTrainingJobsForHyperParameterTuningJob", HyperParameterTuningJobName=name, **{"MaxResults": 100, **more}
    )
    trials: list[dict[str, Any]] = answer["TrainingJobSummaries"]
    return trials


def test_a_tuning_job_is_described_while_it_runs(api: Any) -> None:
    arn = api.sagemaker("CreateHyperParameterTuningJob", **tuning_request())["HyperParameterTuningJobArn"]
    assert arn == "arn:aws:sagemaker:us-east-1:000000000000:hyper-parameter-tuning-job/tune"
    description = describe(api, "tune")
    assert description["HyperParameterTuningJobStatus"] == "InProgress"
    assert description["HyperParameterTuningJobConfig"] == tuning_request()["HyperParameterTuningJobConfig"]
    assert description["TrainingJobStatusCounters"]["InProgress"] == 0
    assert "BestTrainingJob" not in description


def test_the_best_trial_the_counters_and_the_time(api: Any, tune: Any) -> None:
    description = tune("tune", [0.5, None, 0.2, 0.4])
    assert description["HyperParameterTuningJobStatus"] == "Completed"
    assert description["TrainingJobStatusCounters"] == {
        "Completed": 3,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 1,
        "Stopped": 0,
    }
    assert description["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 1}
    best = description["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"] == {**OBJECTIVE, "Value": 0.2}
    assert best["TrainingJobName"].startswith("tune-003-")
    assert description["TuningJobCompletionDetails"] == {"NumberOfTrainingJobsObjectiveNotImproving": 1}
    duration = description["HyperParameterTuningEndTime"] - description["CreationTime"]
    assert description["ConsumedResources"] == {"RuntimeInSeconds": round(duration.total_seconds())}
    job = api.sagemaker("DescribeTrainingJob", TrainingJobName=best["TrainingJobName"])
    assert job["TuningJobArn"] == description["HyperParameterTuningJobArn"]
    assert job["HyperParameters"].items() >= best["TunedHyperParameters"].items()


def test_trials_are_sorted_filtered_and_paged(api: Any, tune: Any) -> None:
    tune("tune", [0.5, None, 0.2])
    numbers = [
        int(one["TrainingJobName"].split("-")[1]) for one in listed(api, "tune", SortBy="FinalObjectiveMetricValue")
    ]
    assert numbers == [3, 1]
    down = listed(api, "tune", SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    assert [int(one["TrainingJobName"].split("-")[1]) for one in down] == [1, 3]
    assert len(listed(api, "tune")) == 3
    [failed] = listed(api, "tune", StatusEquals="Failed")
    assert (failed["FailureReason"], failed["ObjectiveStatus"]) == ("AlgorithmError: no", "Failed")
    first = api.sagemaker(
        "ListTrainingJobsForHyperParameterTuningJob",
        HyperParameterTuningJobName="tune",
        MaxResults=2,
        SortBy="CreationTime",
    )
    second = listed(api, "tune", MaxResults=2, SortBy="CreationTime", NextToken=first["NextToken"])
    assert [one["TrainingJobName"][:8] for one in (*first["TrainingJobSummaries"], *second)] == [
        "tune-001",
        "tune-002",
        "tune-003",
    ]
    with pytest.raises(Invalid, match="was not given by this service"):
        listed(api, "tune", NextToken="x")
    assert len(listed(api, "tune", SortBy="Status")) == 3


def test_tuning_jobs_are_listed(api: Any, tune: Any) -> None:
    tune("tune-b", [0.5])
    api.sagemaker("CreateHyperParameterTuningJob", **tuning_request("tune-a"))
    answer = api.sagemaker("ListHyperParameterTuningJobs")["HyperParameterTuningJobSummaries"]
    assert [one["HyperParameterTuningJobName"] for one in answer] == ["tune-a", "tune-b"]
    assert answer[1]["ObjectiveStatusCounters"]["Succeeded"] == 1
    [running] = api.sagemaker("ListHyperParameterTuningJobs", StatusEquals="InProgress")[
        "HyperParameterTuningJobSummaries"
    ]
    assert (running["Strategy"], running["ResourceLimits"]["MaxNumberOfTrainingJobs"]) == ("Random", 4)
    first = api.sagemaker("ListHyperParameterTuningJobs", MaxResults=1, SortBy="CreationTime", SortOrder="Descending")
    assert first["HyperParameterTuningJobSummaries"][0]["HyperParameterTuningJobName"] == "tune-a"
    assert first["NextToken"]


def test_stop_and_delete(api: Any, tune: Any) -> None:
    tune("tune", [0.5])
    api.sagemaker("StopHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    api.sagemaker("DeleteHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    for name in ("Describe", "Stop", "Delete"):
        with pytest.raises(ResourceNotFound, match="can't find a tuning job"):
            api.sagemaker(f"{name}HyperParameterTuningJob", HyperParameterTuningJobName="tune")


def test_the_best_of_all_parents_is_that_of_identical_data(api: Any, tune: Any) -> None:
    tune("old", [0.1])
    parents = [{"HyperParameterTuningJobName": "old"}]
    for kind, has in (("IdenticalDataAndAlgorithm", True), ("TransferLearning", False)):
        warm = {"WarmStartConfig": {"ParentHyperParameterTuningJobs": parents, "WarmStartType": kind}}
        description = tune(f"new-{kind[:5]}", [0.5], extra=warm)
        assert description["WarmStartConfig"] == warm["WarmStartConfig"]
        assert description["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.5
        assert ("OverallBestTrainingJob" in description) is has
        if has:
            overall = description["OverallBestTrainingJob"]
            assert (overall["TuningJobName"], overall["TrainingJobStatus"]) == ("old", "Completed")


def test_search_finds_tuning_jobs_and_their_trials(api: Any, tune: Any) -> None:
    tune("tune", [0.5, 0.2])
    arn = describe(api, "tune")["HyperParameterTuningJobArn"]
    api.sagemaker("AddTags", ResourceArn=arn, Tags=[{"Key": "team", "Value": "moon"}])
    for name, value in (
        ("HyperParameterTuningJobStatus", "Completed"),
        ("Tags.team", "moon"),
        ("HyperParameterTuningJobConfig.Strategy", "Random"),
    ):
        expression = {"Filters": [{"Name": name, "Operator": "Equals", "Value": value}]}
        [found] = api.sagemaker("Search", Resource="HyperParameterTuningJob", SearchExpression=expression)["Results"]
        assert found["HyperParameterTuningJob"]["HyperParameterTuningJobName"] == "tune"
    expression = {"Filters": [{"Name": "TuningJobArn", "Operator": "Equals", "Value": arn}]}
    trials = api.sagemaker("Search", Resource="TrainingJob", SearchExpression=expression)["Results"]
    assert len(trials) == 2
    assert {one["TrainingJob"]["TuningJobArn"] for one in trials} == {arn}
    api.sagemaker("Search", Resource="HyperParameterTuningJob", SortBy="HyperParameterTuningJobName")


def test_a_request_from_outside_cannot_name_a_tuning_job(api: Any) -> None:
    model = operation_model("sagemaker", "CreateTrainingJob")
    assert model is not None
    assert from_json(model.input_shape, {"TrainingJobName": "a", "TuningJobArn": "arn"}) == {"TrainingJobName": "a"}
