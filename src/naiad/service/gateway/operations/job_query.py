"""The query and the failure reason that the operations of all kinds of jobs share."""

from typing import Literal

from naiad.service.domain.job import Job, JobKind
from naiad.service.domain.status import LIMIT_PHASES, Status
from naiad.service.gateway.operation import Shape
from naiad.service.gateway.operations.paging import DEFAULT_PAGE_SIZE, utc_member
from naiad.service.store.port import JobQuery

_SORT_COLUMNS: dict[str, Literal["name", "created_at", "status"]] = {
    "Name": "name",
    "CreationTime": "created_at",
    "Status": "status",
}
_MAX_REASON = 1024
"""The longest text that AWS's shapes hold."""


def job_query(kind: JobKind, request: Shape, *, default_order: str = "Ascending") -> JobQuery:
    return JobQuery(
        kind=kind,
        status=Status(request["StatusEquals"]) if "StatusEquals" in request else None,
        name_contains=request.get("NameContains"),
        created_after=utc_member(request, "CreationTimeAfter"),
        created_before=utc_member(request, "CreationTimeBefore"),
        modified_after=utc_member(request, "LastModifiedTimeAfter"),
        modified_before=utc_member(request, "LastModifiedTimeBefore"),
        sort_by=_SORT_COLUMNS[request.get("SortBy", "CreationTime")],
        descending=request.get("SortOrder", default_order) == "Descending",
        limit=request.get("MaxResults", DEFAULT_PAGE_SIZE),
        next_token=request.get("NextToken"),
    )


def failure_reason(job: Job) -> str:
    """Returns why the job failed or was stopped by a limit; "" for any other job."""
    reason = job.failure_reason or ""
    if not reason and job.phase in LIMIT_PHASES:
        reason = f"{job.phase}: {job.transitions[-1].message.removeprefix(f'{job.phase}: ')}"
    return reason[:_MAX_REASON]
