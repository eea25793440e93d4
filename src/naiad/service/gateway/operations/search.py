"""Search over training jobs: by name, status, times and tags."""

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.job_cursor import iterate_jobs, parse_cursor
from naiad.service.gateway.operations.paging import DEFAULT_PAGE_SIZE, with_next_token
from naiad.service.gateway.operations.search_filters import (
    TAG_PREFIX,
    Candidate,
    check_expression,
    matches,
    required_filters,
)
from naiad.service.gateway.operations.training_description import training_record
from naiad.service.jobs.metrics import final_metrics
from naiad.service.jobs.service import JobService
from naiad.service.store.port import JobQuery, Store

_MAX_SCANNED_JOBS = 5_000
"""Limit of the jobs that one call looks at, for filters that the store has no index for; the next token continues."""
_SORT_COLUMNS = {
    "TrainingJobName": "name",
    "CreationTime": "created_at",
    "LastModifiedTime": "modified_at",
    "TrainingJobStatus": "status",
}


@operation("sagemaker", "Search")
def search(jobs: JobService, store: Store, request: Shape) -> Shape:
    """Compares with the tags of now, not those of the creation. A page may be short, or empty, and have a next token."""
    if request["Resource"] != "TrainingJob":
        raise Invalid(f"Resource is {request['Resource']!r}; only TrainingJob can be searched here")
    expression = request.get("SearchExpression", {})
    check_expression(expression)
    limit = request.get("MaxResults", DEFAULT_PAGE_SIZE)
    scanned = iterate_jobs(jobs.store, _query(request), parse_cursor(request.get("NextToken")), lambda job: [job])
    page: list[Shape] = []
    for number, (job, cursor) in enumerate(scanned, 1):
        candidate = Candidate(job, store)
        if matches(expression, candidate):
            record = training_record(job, candidate.tags, final_metrics(jobs.instances(job)))
            page.append({"TrainingJob": record})
        if len(page) == limit or number == _MAX_SCANNED_JOBS:
            return with_next_token({"Results": page}, cursor)
    return {"Results": page}


def _query(request: Shape) -> JobQuery:
    """Returns a query that finds every job that can match, and as few others as the store's indexes allow."""
    sort_by = request.get("SortBy", "LastModifiedTime")
    if sort_by not in _SORT_COLUMNS:
        raise Invalid(f"SortBy is {sort_by!r}; {', '.join(_SORT_COLUMNS)} are served")
    expression = request.get("SearchExpression", {})
    return JobQuery(
        JobKind.TRAINING,
        tag=_required_tag(expression),
        failure_contains=_required_failure(expression),
        name_contains=_required_name(expression),
        sort_by=_SORT_COLUMNS[sort_by],  # type: ignore[arg-type] # the table's values are the literal's
        descending=request.get("SortOrder", "Descending") == "Descending",
    )


def _required_tag(expression: Shape) -> tuple[str, str | None] | None:
    """Returns (key, value; None for any) of a tag that every job must have."""
    tags = [
        (name.removeprefix(TAG_PREFIX), value if operator == "Equals" else None)
        for name, operator, value in required_filters(expression)
        if name.startswith(TAG_PREFIX) and operator not in {"NotExists", "NotEquals"}
    ]
    tags.sort(key=lambda tag: tag[1] is None)  # a tag with a known value leaves fewer jobs
    return tags[0] if tags else None


def _required_failure(expression: Shape) -> str | None:
    """Returns a text that the failure reason of every job must contain."""
    for name, operator, value in required_filters(expression):
        if name == "FailureReason" and operator not in {"NotExists", "NotEquals"}:
            return value if operator in {"Equals", "Contains"} else ""
    return None


def _required_name(expression: Shape) -> str | None:
    for name, operator, value in required_filters(expression):
        if name == "TrainingJobName" and operator in {"Equals", "Contains"}:
            return value or None
    return None
