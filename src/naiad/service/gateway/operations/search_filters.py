"""The filters of Search over training jobs: which properties they know, and whether a job passes."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import Job
from naiad.service.gateway.operation import Shape
from naiad.service.store.port import Store

TAG_PREFIX = "Tags."
_MAX_DEPTH = 5
_PROPERTIES: dict[str, Callable[[Job], str]] = {
    "TrainingJobName": lambda job: job.name,
    "TrainingJobArn": lambda job: job.arn,
    "TrainingJobStatus": lambda job: str(job.status),
    "SecondaryStatus": lambda job: str(job.phase),
    "FailureReason": lambda job: job.failure_reason or "",
    "RoleArn": lambda job: str(job.request.get("RoleArn", "")),
    "AlgorithmSpecification.TrainingImage": lambda job: str(
        job.request.get("AlgorithmSpecification", {}).get("TrainingImage", "")
    ),
    "ResourceConfig.InstanceType": lambda job: str(job.request.get("ResourceConfig", {}).get("InstanceType", "")),
    "CreationTime": lambda job: _sortable_time(job.created_at),
    "LastModifiedTime": lambda job: _sortable_time(job.modified_at),
    "TrainingStartTime": lambda job: _sortable_time(job.started_at),
    "TrainingEndTime": lambda job: _sortable_time(job.ended_at),
}
_TIMES = ("CreationTime", "LastModifiedTime", "TrainingStartTime", "TrainingEndTime")
_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "Equals": lambda actual, wanted: actual == wanted,
    "NotEquals": lambda actual, wanted: actual != wanted,
    "GreaterThan": lambda actual, wanted: actual > wanted,
    "GreaterThanOrEqualTo": lambda actual, wanted: actual >= wanted,
    "LessThan": lambda actual, wanted: actual < wanted,
    "LessThanOrEqualTo": lambda actual, wanted: actual <= wanted,
    "Contains": lambda actual, wanted: wanted in actual,
    "In": lambda actual, wanted: actual in [one.strip() for one in wanted.split(",")],
}


@dataclass(frozen=True)
class Candidate:
    """A job that may pass."""

    job: Job
    store: Store

    @cached_property
    def tags(self) -> dict[str, str]:
        """Read only where they are needed."""
        return self.store.tags(self.job.arn)


def check_expression(expression: Shape, *, depth: int = 0) -> None:
    """Raises Invalid for a filter that is not served, so that it does not look like one that no job passes."""
    if expression.get("NestedFilters"):
        raise Invalid("NestedFilters are not served; use Filters")
    if depth > _MAX_DEPTH:
        raise Invalid(f"SubExpressions are nested deeper than {_MAX_DEPTH}")
    for one in expression.get("Filters", []):
        if not one["Name"].startswith(TAG_PREFIX) and one["Name"] not in _PROPERTIES:
            raise Invalid(f"the filter {one['Name']!r} is not served; {', '.join(_PROPERTIES)} and Tags.<key> are")
    for inner in expression.get("SubExpressions", []):
        check_expression(inner, depth=depth + 1)


def matches(expression: Shape, candidate: Candidate) -> bool:
    """Whether the job passes. Raises Invalid for a time that cannot be read."""
    results = [_passes(one, candidate) for one in expression.get("Filters", [])]
    results += [matches(inner, candidate) for inner in expression.get("SubExpressions", [])]
    if not results:
        return True
    return any(results) if expression.get("Operator") == "Or" else all(results)


def required_filters(expression: Shape) -> Iterator[tuple[str, str, str]]:
    """Yields (name, operator, value) of the filters that every job must pass."""
    if expression.get("Operator", "And") == "And":
        for one in expression.get("Filters", []):
            yield one["Name"], one.get("Operator", "Equals"), one.get("Value", "")


def _passes(condition: Shape, candidate: Candidate) -> bool:
    name, operator = condition["Name"], condition.get("Operator", "Equals")
    is_tag = name.startswith(TAG_PREFIX)
    actual = candidate.tags.get(name.removeprefix(TAG_PREFIX)) if is_tag else _PROPERTIES[name](candidate.job) or None
    if operator == "Exists":
        return actual is not None
    if operator == "NotExists":
        return actual is None
    if actual is None:
        return bool(operator == "NotEquals")
    return _COMPARISONS[operator](actual, _wanted(name, condition.get("Value", "")))


def _wanted(name: str, value: str) -> str:
    if name not in _TIMES:
        return value
    try:
        time = dt.datetime.fromisoformat(value)
    except ValueError:
        raise Invalid(
            f"the filter {name} has the Value {value!r}, which is no time like 2030-01-31T12:00:00Z"
        ) from None
    return _sortable_time(time if time.tzinfo else time.replace(tzinfo=dt.UTC))


def _sortable_time(time: dt.datetime | None) -> str:
    """Returns a text that sorts as the time does."""
    return "" if time is None else time.astimezone(dt.UTC).isoformat(timespec="microseconds")
