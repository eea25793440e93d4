"""Search over training jobs: by name, status, times and tags."""

import datetime as dt
from collections.abc import Callable
from itertools import islice
from typing import Any

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import Job, JobKind
from naiad.service.gateway.operation import Context, operation
from naiad.service.gateway.operations.listing import paged
from naiad.service.gateway.operations.training_answer import training_record
from naiad.service.jobs.metrics import final_points
from naiad.service.jobs.walk import parse_cursor, walk
from naiad.service.store.port import JobQuery

_PAGE = 10
_MAX_DEPTH = 5
_TAG = "Tags."

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
    "CreationTime": lambda job: _time_text(job.created_at),
    "LastModifiedTime": lambda job: _time_text(job.modified_at),
    "TrainingStartTime": lambda job: _time_text(job.started_at),
    "TrainingEndTime": lambda job: _time_text(job.ended_at),
}
_TIMES = ("CreationTime", "LastModifiedTime", "TrainingStartTime", "TrainingEndTime")

_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "Equals": lambda have, want: have == want,
    "NotEquals": lambda have, want: have != want,
    "GreaterThan": lambda have, want: have > want,
    "GreaterThanOrEqualTo": lambda have, want: have >= want,
    "LessThan": lambda have, want: have < want,
    "LessThanOrEqualTo": lambda have, want: have <= want,
    "Contains": lambda have, want: want in have,
    "In": lambda have, want: have in [one.strip() for one in want.split(",")],
}

_SORTS = {
    "TrainingJobName": "name",
    "CreationTime": "created_at",
    "LastModifiedTime": "modified_at",
    "TrainingJobStatus": "status",
}


@operation("sagemaker", "Search")
def search(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """Tags are those of now, not those of the creation."""
    if asked["Resource"] != "TrainingJob":
        raise Invalid(f"Resource is {asked['Resource']!r}; only TrainingJob can be searched here")
    expression = asked.get("SearchExpression", {})
    _check(expression, depth=0)
    limit = asked.get("MaxResults", _PAGE)
    found = walk(context.store, _query(asked), parse_cursor(asked.get("NextToken")), lambda job: [job])
    matching = (
        (job, tags, cursor) for job, cursor in found if _matches(expression, job, tags := context.store.tags(job.arn))
    )
    page = list(islice(matching, limit))
    results = [
        {"TrainingJob": training_record(job, tags, final_points(context.jobs.instances(job)))} for job, tags, _ in page
    ]
    return paged({"Results": results}, page[-1][2] if len(page) == limit else None)


def _query(asked: dict[str, Any]) -> JobQuery:
    by = asked.get("SortBy", "LastModifiedTime")
    if by not in _SORTS:
        raise Invalid(f"SortBy is {by!r}; {', '.join(_SORTS)} are served")
    return JobQuery(
        JobKind.TRAINING,
        tag=_needed_tag(asked.get("SearchExpression", {})),
        name_contains=_needed_name(asked.get("SearchExpression", {})),
        sort_by=_SORTS[by],  # type: ignore[arg-type] # the table's values are the literal's
        descending=asked.get("SortOrder", "Descending") == "Descending",
    )


def _needed_tag(expression: dict[str, Any]) -> tuple[str, str] | None:
    """A tag that every job found must have: the store looks it up, so that we need not read all jobs."""
    for one in _needed_filters(expression):
        if one["Name"].startswith(_TAG) and one.get("Operator", "Equals") == "Equals":
            return one["Name"].removeprefix(_TAG), one.get("Value", "")
    return None


def _needed_name(expression: dict[str, Any]) -> str | None:
    for one in _needed_filters(expression):
        if one["Name"] == "TrainingJobName" and one.get("Operator", "Equals") in {"Equals", "Contains"}:
            return one.get("Value") or None
    return None


def _needed_filters(expression: dict[str, Any]) -> list[dict[str, Any]]:
    return expression.get("Filters", []) if expression.get("Operator", "And") == "And" else []


def _check(expression: dict[str, Any], *, depth: int) -> None:
    """Raises Invalid, so that a filter that is not understood does not look like one that finds nothing."""
    if expression.get("NestedFilters"):
        raise Invalid("NestedFilters are not served; use Filters")
    if depth > _MAX_DEPTH:
        raise Invalid(f"SubExpressions are nested deeper than {_MAX_DEPTH}")
    for one in expression.get("Filters", []):
        if not one["Name"].startswith(_TAG) and one["Name"] not in _PROPERTIES:
            raise Invalid(f"the filter {one['Name']!r} is not served; {', '.join(_PROPERTIES)} and Tags.<key> are")
    for inner in expression.get("SubExpressions", []):
        _check(inner, depth=depth + 1)


def _matches(expression: dict[str, Any], job: Job, tags: dict[str, str]) -> bool:
    answers = [_passes(one, job, tags) for one in expression.get("Filters", [])]
    answers += [_matches(inner, job, tags) for inner in expression.get("SubExpressions", [])]
    if not answers:
        return True
    return any(answers) if expression.get("Operator") == "Or" else all(answers)


def _passes(one: dict[str, Any], job: Job, tags: dict[str, str]) -> bool:
    name, compared = one["Name"], one.get("Operator", "Equals")
    have = tags.get(name.removeprefix(_TAG)) if name.startswith(_TAG) else _PROPERTIES[name](job) or None
    if compared == "Exists":
        return have is not None
    if compared == "NotExists":
        return have is None
    if have is None:
        return bool(compared == "NotEquals")
    return _COMPARISONS[compared](have, _wanted(name, one.get("Value", "")))


def _wanted(name: str, value: str) -> str:
    if name not in _TIMES:
        return value
    try:
        time = dt.datetime.fromisoformat(value)
    except ValueError:
        raise Invalid(
            f"the filter {name} has the Value {value!r}, which is no time like 2030-01-31T12:00:00Z"
        ) from None
    return _time_text(time if time.tzinfo else time.replace(tzinfo=dt.UTC))


def _time_text(time: dt.datetime | None) -> str:
    """In the order of time when compared as text."""
    return "" if time is None else time.astimezone(dt.UTC).isoformat(timespec="microseconds")
