"""Search over training jobs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.gateway.operations import search, trial_component_record
from naiad.service.metric_points import read_points


def test_search_by_name_and_tags(api: Any) -> None:
    api.train("one", Tags=[{"Key": "team", "Value": "vision"}])
    api.train("two", Tags=[{"Key": "team", "Value": "speech"}])
    api.train("three")

    def names(expression: dict[str, Any]) -> list[str]:
        request = {"Resource": "TrainingJob", "SortBy": "CreationTime", "SortOrder": "Ascending"}
        output = api.sagemaker("Search", SearchExpression=expression, **request)
        return [one["TrainingJob"]["TrainingJobName"] for one in output["Results"]]

    def only(name: str, operator: str, value: str = "") -> dict[str, Any]:
        return {"Filters": [{"Name": name, "Operator": operator, "Value": value}]}

    assert names({}) == ["one", "two", "three"]
    assert names(only("Tags.team", "Equals", "vision")) == ["one"]
    assert names(only("Tags.team", "Exists")) == ["one", "two"]
    assert names(only("Tags.team", "NotExists")) == ["three"]
    assert names(only("Tags.team", "NotEquals", "vision")) == ["two", "three"]
    assert names(only("TrainingJobName", "Contains", "o")) == ["one", "two"]
    assert names(only("TrainingJobName", "In", "one, three")) == ["one", "three"]
    assert names(only("CreationTime", "GreaterThan", "2030-01-01T00:00:01Z")) == ["two", "three"]
    either = {"Operator": "Or", "Filters": [*only("TrainingJobName", "Equals", "two")["Filters"]]}
    assert names({"Operator": "Or", "SubExpressions": [either, only("Tags.team", "Equals", "vision")]}) == [
        "one",
        "two",
    ]
    both = {
        "Filters": [{"Name": "Tags.team", "Operator": "Exists"}, only("Tags.team", "Equals", "speech")["Filters"][0]]
    }
    assert names(both) == ["two"]
    first = api.sagemaker("Search", Resource="TrainingJob", MaxResults=2)
    assert len(first["Results"]) == 2
    assert len(api.sagemaker("Search", Resource="TrainingJob", NextToken=first["NextToken"])["Results"]) == 1
    tags = api.sagemaker("Search", Resource="TrainingJob", SearchExpression=only("TrainingJobName", "Equals", "one"))
    assert tags["Results"][0]["TrainingJob"]["Tags"] == [{"Key": "team", "Value": "vision"}]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"Resource": "Pipeline"}, "TrainingJob, HyperParameterTuningJob, Experiment, .* can be searched here"),
        ({"Resource": "TrainingJob", "SortBy": "Colour"}, "Unknown property name: Colour"),
        ({"Resource": "TrainingJob", "NextToken": "zzz"}, "was not given by this service"),
        ({"Resource": "TrainingJob", "SearchExpression": {"Filters": [{"Name": "Parents.TrialName"}]}}, "Unknown prop"),
        (
            {
                "Resource": "TrainingJob",
                "SearchExpression": {"NestedFilters": [{"NestedPropertyName": "RoleArn", "Filters": []}]},
            },
            "which is no list",
        ),
        ({"Resource": "Model", "VisibilityConditions": [{"Key": "a", "Value": "b"}]}, "VisibilityConditions"),
    ],
)
def test_a_search_that_is_not_served(api: Any, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        api.sagemaker("Search", **fields)


def test_search_by_the_failure_reason(api: Any) -> None:
    for name, reason in (("one", 'ValueError: "ü"'), ("two", "MemoryError"), ("three", None)):
        api.train(name)
        job = api.services.store.get(JobKind.TRAINING, name)
        failed = replace(job.to(Phase.FAILED, at=api.clock.now()), failure_reason=reason)
        api.services.store.update(failed, before=job)

    def names(operator: str, value: str = "") -> list[str]:
        filters = [{"Name": "FailureReason", "Operator": operator, "Value": value}]
        output = api.sagemaker("Search", Resource="TrainingJob", SearchExpression={"Filters": filters})
        return sorted(one["TrainingJob"]["TrainingJobName"] for one in output["Results"])

    assert names("Contains", '"ü"') == ["one"]
    assert names("Contains", "u00fc") == []
    assert names("Contains", "Error") == ["one", "two"]
    assert names("Equals", "MemoryError") == ["two"]
    assert names("Exists") == ["one", "two"]
    assert names("NotExists") == ["three"]
    assert names("NotEquals", "MemoryError") == ["one", "three"]


def test_a_search_over_many_jobs_ends_its_page_early(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_MAX_SCANNED", 2)
    for number in range(5):
        api.train(f"job-{number}", Tags=[{"Key": "last", "Value": "no"}] if number < 4 else [])
    filters = [{"Name": "Tags.last", "Operator": "NotExists"}]
    request: dict[str, Any] = {
        "Resource": "TrainingJob",
        "SearchExpression": {"Filters": filters},
        "SortOrder": "Ascending",
    }
    pages = [api.sagemaker("Search", **request)]
    while token := pages[-1].get("NextToken"):
        pages.append(api.sagemaker("Search", **request, NextToken=token))
    assert [len(page["Results"]) for page in pages] == [0, 0, 1]


def test_a_search_with_an_invalid_time(api: Any) -> None:
    api.train("one")
    filters = [{"Name": "CreationTime", "Operator": "LessThan", "Value": "yesterday"}]
    with pytest.raises(Invalid, match="is no time"):
        api.sagemaker("Search", Resource="TrainingJob", SearchExpression={"Filters": filters})


def test_a_search_by_name_reads_metrics_of_what_it_returns_only(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        name = f"run-{number}"
        api.sagemaker("CreateTrialComponent", TrialComponentName=name)
        data = [{"MetricName": "loss", "Timestamp": api.clock.now(), "Step": 0, "Value": float(number)}]
        api.call("sagemaker-metrics", "BatchPutMetrics", TrialComponentName=name, MetricData=data)
    files: list[str] = []

    def read_and_count(path: Path) -> Any:
        files.append(path.stem)
        return read_points(path)

    monkeypatch.setattr(trial_component_record, "read_points", read_and_count)

    def names(*filters: tuple[str, str, str], **request: Any) -> list[str]:
        files.clear()
        expression = {"Filters": [dict(zip(("Name", "Operator", "Value"), one, strict=True)) for one in filters]}
        output = api.sagemaker("Search", Resource="ExperimentTrialComponent", SearchExpression=expression, **request)
        return [one["TrialComponent"]["TrialComponentName"] for one in output["Results"]]

    assert names(("TrialComponentName", "Contains", "none"), ("DisplayName", "NotEquals", "x")) == files == []
    assert names(("TrialComponentName", "Equals", "run-1"), ("DisplayName", "Exists", "")) == ["run-1"]
    assert len(files) == 1
    above = (("Metrics.loss", "GreaterThan", "0.5"), ("Metrics.loss.max", "LessThan", "9"))
    assert names(*above, SortBy="Metrics.loss", SortOrder="Ascending") == ["run-1", "run-2"]
    assert len(files) == 3


def test_metrics_are_a_property_of_their_own(api: Any) -> None:
    api.sagemaker("CreateTrialComponent", TrialComponentName="run")
    data = [{"MetricName": "loss", "Timestamp": api.clock.now(), "Step": 0, "Value": 0.5}]
    api.call("sagemaker-metrics", "BatchPutMetrics", TrialComponentName="run", MetricData=data)
    inner = [{"Name": "Metrics.MetricName", "Operator": "Equals", "Value": "loss"}]
    nested = [{"NestedPropertyName": "Metrics", "Filters": inner}]
    request = {"Resource": "ExperimentTrialComponent", "SearchExpression": {"NestedFilters": nested}}
    (result,) = api.sagemaker("Search", **request)["Results"]
    assert result["TrialComponent"]["Metrics"][0]["Last"] == 0.5


def test_a_filter_on_final_metrics_of_training_jobs(api: Any) -> None:
    api.train("one")
    api.train("two")
    api.tick()
    data = [{"MetricName": "f1", "Timestamp": api.clock.now(), "Value": 0.25}]
    api.call("sagemaker-metrics", "BatchPutMetrics", TrialComponentName="one-aws-training-job", MetricData=data)
    inner = [{"Name": "FinalMetricDataList.MetricName", "Operator": "Equals", "Value": "f1"}]
    nested = [{"NestedPropertyName": "FinalMetricDataList", "Filters": inner}]
    (result,) = api.sagemaker("Search", Resource="TrainingJob", SearchExpression={"NestedFilters": nested})["Results"]
    assert result["TrainingJob"]["TrainingJobName"] == "one"
