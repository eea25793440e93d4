from dataclasses import replace
from typing import Any

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.gateway.operations import search


def test_search_by_name_and_tags(door: Any) -> None:
    door.train("one", Tags=[{"Key": "team", "Value": "vision"}])
    door.train("two", Tags=[{"Key": "team", "Value": "speech"}])
    door.train("three")

    def names(expression: dict[str, Any], **asked: Any) -> list[str]:
        asked = {"Resource": "TrainingJob", "SortBy": "CreationTime", "SortOrder": "Ascending", **asked}
        answer = door.sagemaker("Search", SearchExpression=expression, **asked)
        return [one["TrainingJob"]["TrainingJobName"] for one in answer["Results"]]

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
    first = door.sagemaker("Search", Resource="TrainingJob", MaxResults=2)
    assert len(first["Results"]) == 2
    assert len(door.sagemaker("Search", Resource="TrainingJob", NextToken=first["NextToken"])["Results"]) == 1
    tags = door.sagemaker("Search", Resource="TrainingJob", SearchExpression=only("TrainingJobName", "Equals", "one"))
    assert tags["Results"][0]["TrainingJob"]["Tags"] == [{"Key": "team", "Value": "vision"}]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"Resource": "Endpoint"}, "only TrainingJob"),
        ({"Resource": "TrainingJob", "SortBy": "Metrics.loss"}, "SortBy is"),
        ({"Resource": "TrainingJob", "NextToken": "zzz"}, "was not given by this service"),
        ({"Resource": "TrainingJob", "SearchExpression": {"Filters": [{"Name": "Metrics.loss"}]}}, "is not served"),
        ({"Resource": "TrainingJob", "SearchExpression": {"NestedFilters": [{}]}}, "NestedFilters"),
    ],
)
def test_a_search_that_is_not_understood_is_refused(door: Any, asked: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        door.sagemaker("Search", **asked)


def test_search_by_the_reason_of_a_failure(door: Any) -> None:
    for name, reason in (("one", 'ValueError: "ü"'), ("two", "MemoryError"), ("three", None)):
        door.train(name)
        job = door.context.store.get(JobKind.TRAINING, name)
        failed = replace(job.to(Phase.FAILED, at=door.clock.now()), failure_reason=reason)
        door.context.store.update(failed, before=job)

    def names(operator: str, value: str = "") -> list[str]:
        filters = [{"Name": "FailureReason", "Operator": operator, "Value": value}]
        answer = door.sagemaker("Search", Resource="TrainingJob", SearchExpression={"Filters": filters})
        return sorted(one["TrainingJob"]["TrainingJobName"] for one in answer["Results"])

    assert names("Contains", '"ü"') == ["one"]
    assert names("Contains", "u00fc") == []
    assert names("Contains", "Error") == ["one", "two"]
    assert names("Equals", "MemoryError") == ["two"]
    assert names("Exists") == ["one", "two"]
    assert names("NotExists") == ["three"]
    assert names("NotEquals", "MemoryError") == ["one", "three"]


def test_a_search_that_looks_at_many_jobs_gives_a_page_of_what_it_found(
    door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_MOST_LOOKED_AT", 2)
    for number in range(5):
        door.train(f"job-{number}", Tags=[{"Key": "last", "Value": "no"}] if number < 4 else [])
    filters = [{"Name": "Tags.last", "Operator": "NotExists"}]
    asked: dict[str, Any] = {
        "Resource": "TrainingJob",
        "SearchExpression": {"Filters": filters},
        "SortOrder": "Ascending",
    }
    pages = [door.sagemaker("Search", **asked)]
    while token := pages[-1].get("NextToken"):
        pages.append(door.sagemaker("Search", **asked, NextToken=token))
    assert [len(page["Results"]) for page in pages] == [0, 0, 1]


def test_a_search_over_times_that_are_none(door: Any) -> None:
    door.train("one")
    filters = [{"Name": "CreationTime", "Operator": "LessThan", "Value": "yesterday"}]
    with pytest.raises(Invalid, match="is no time"):
        door.sagemaker("Search", Resource="TrainingJob", SearchExpression={"Filters": filters})
