"""Search over training jobs: by name, status, times and tags."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import Job, JobKind
from naiad.service.gateway.operation import Context, operation
from naiad.service.gateway.operations.job_cursor import parse_cursor, iterate_jobs
from naiad.service.gateway.operations.listing import paged
from naiad.service.gateway.operations.training_answer import training_record
from naiad.service.jobs.metrics import final_metrics
from naiad.service.store.port import JobQuery, Store

_PAGE = 10
_MOST_LOOKED_AT = 5_000
"""Jobs, by one call, for filters that the store has no index for; more are looked at with the next token."""
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


@dataclass(frozen=True)
class _Candidate:
    job: Job
    store: Store

    @cached_property
    def tags(self) -> dict[str, str]:
        """Read only where they are asked for."""
        return self.store.tags(self.job.arn)


@operation("sagemaker", "Search")
def search(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """Tags are those of now, not those of the creation. A page may be short, or empty, and still have a next token."""
    if asked["Resource"] != "TrainingJob":
        raise Invalid(f"Resource is {asked['Resource']!r}; only TrainingJob can be searched here")
    expression = asked.get("SearchExpression", {})
    _check(expression, depth=0)
    limit = asked.get("MaxResults", _PAGE)
    found = iterate_jobs(context.store, _query(asked), parse_cursor(asked.get("NextToken")), lambda job: [job])
    page: list[dict[str, Any]] = []
    for number, (job, cursor) in enumerate(found, 1):
        one = _Candidate(job, context.store)
        if _matches(expression, one):
            page.append({"TrainingJob": training_record(job, one.tags, final_metrics(context.jobs.instances(job)))})
        if len(page) == limit or number == _MOST_LOOKED_AT:
            return paged({"Results": page}, cursor)
    return {"Results": page}


def _query(asked: dict[str, Any]) -> JobQuery:
    by = asked.get("SortBy", "LastModifiedTime")
    if by not in _SORTS:
        raise Invalid(f"SortBy is {by!r}; {', '.join(_SORTS)} are served")
    return JobQuery(
        JobKind.TRAINING,
        tag=_needed_tag(asked.get("SearchExpression", {})),
        failure_contains=_needed_failure(asked.get("SearchExpression", {})),
        name_contains=_needed_name(asked.get("SearchExpression", {})),
        sort_by=_SORTS[by],  # type: ignore[arg-type] # the table's values are the literal's
        descending=asked.get("SortOrder", "Descending") == "Descending",
    )


def _needed_tag(expression: dict[str, Any]) -> tuple[str, str | None] | None:
    """A tag that every job found must have: the store looks it up, so that we need not read all jobs."""
    having = [
        one
        for one in _needed_filters(expression)
        if one["Name"].startswith(_TAG) and one.get("Operator", "Equals") not in {"NotExists", "NotEquals"}
    ]
    having.sort(key=lambda one: one.get("Operator", "Equals") != "Equals")  # one whose value is known leaves fewer
    for one in having:
        is_known = one.get("Operator", "Equals") == "Equals"
        return one["Name"].removeprefix(_TAG), one.get("Value", "") if is_known else None
    return None


def _needed_failure(expression: dict[str, Any]) -> str | None:
    """A part of the failure reason that every job found must have."""
    for one in _needed_filters(expression):
        if one["Name"] == "FailureReason" and one.get("Operator", "Equals") not in {"NotExists", "NotEquals"}:
            return one.get("Value", "") if one.get("Operator", "Equals") in {"Equals", "Contains"} else ""
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


def _matches(expression: dict[str, Any], candidate: _Candidate) -> bool:
    answers = [_passes(one, candidate) for one in expression.get("Filters", [])]
    answers += [_matches(inner, candidate) for inner in expression.get("SubExpressions", [])]
    if not answers:
        return True
    return any(answers) if expression.get("Operator") == "Or" else all(answers)


def _passes(one: dict[str, Any], candidate: _Candidate) -> bool:
    name, compared = one["Name"], one.get("Operator", "Equals")
    is_tag = name.startswith(_TAG)
    have = candidate.tags.get(name.removeprefix(_TAG)) if is_tag else _PROPERTIES[name](candidate.job) or None
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
