"""What the List… operations of jobs share: the same filters, sorting and pages for every kind."""

import datetime as dt
from typing import Any, Literal

from naiad.service.domain.job import Job, JobKind
from naiad.service.domain.status import LIMIT_PHASES, Status
from naiad.service.store.port import JobQuery

_SORTS: dict[str, Literal["name", "created_at", "status"]] = {
    "Name": "name",
    "CreationTime": "created_at",
    "Status": "status",
}
_PAGE = 10
"""AWS's own where MaxResults is left out."""
_MAX_REASON = 1024


def job_query(kind: JobKind, asked: dict[str, Any]) -> JobQuery:
    return JobQuery(
        kind=kind,
        status=Status(asked["StatusEquals"]) if "StatusEquals" in asked else None,
        name_contains=asked.get("NameContains"),
        created_after=utc(asked.get("CreationTimeAfter")),
        created_before=utc(asked.get("CreationTimeBefore")),
        modified_after=utc(asked.get("LastModifiedTimeAfter")),
        modified_before=utc(asked.get("LastModifiedTimeBefore")),
        sort_by=_SORTS[asked.get("SortBy", "CreationTime")],
        descending=asked.get("SortOrder") == "Descending",
        limit=asked.get("MaxResults", _PAGE),
        next_token=asked.get("NextToken"),
    )


def reason_of(job: Job) -> str:
    """Why it failed or was stopped by a limit; "" where it was neither. AWS's shapes hold so much."""
    reason = job.failure_reason or ""
    if not reason and job.phase in LIMIT_PHASES:
        reason = f"{job.phase}: {job.transitions[-1].message.removeprefix(f'{job.phase}: ')}"
    return reason[:_MAX_REASON]


def utc(time: dt.datetime | None) -> dt.datetime | None:
    """A time without a zone is meant in UTC."""
    if time is None or time.tzinfo is not None:
        return time
    return time.replace(tzinfo=dt.UTC)


def paged(answer: dict[str, Any], next_token: object | None) -> dict[str, Any]:
    return {**answer, **({"NextToken": str(next_token)} if next_token is not None else {})}
