"""Search over training and tuning jobs, experiments, trials, trial components, endpoints, models and the model registry."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.endpoints.control.service import EndpointService
from naiad.service.experiments.catalog import ExperimentCatalog
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.job_cursor import JobCursor, iterate_jobs, parse_cursor
from naiad.service.gateway.operations.paging import DEFAULT_PAGE_SIZE, with_next_token
from naiad.service.gateway.operations.search_candidates import (
    ComponentCandidate,
    EntityCandidate,
    JobCandidate,
    SearchSources,
    searched_shape,
)
from naiad.service.gateway.operations.search_filters import candidate_values, check_expression, check_name, matches
from naiad.service.gateway.operations.search_queries import (
    entity_search_query,
    is_descending,
    is_sorted_by_store,
    job_search_query,
)
from naiad.service.gateway.signing.authenticator import Principal
from naiad.service.tuning.service import TuningService

_Candidate = JobCandidate | ComponentCandidate | EntityCandidate
_KINDS: dict[str, tuple[JobKind | EntityKind, str]] = {
    "TrainingJob": (JobKind.TRAINING, "TrainingJob"),
    "HyperParameterTuningJob": (EntityKind.TUNING, "HyperParameterTuningJob"),
    "Experiment": (EntityKind.EXPERIMENT, "Experiment"),
    "ExperimentTrial": (EntityKind.TRIAL, "Trial"),
    "ExperimentTrialComponent": (EntityKind.TRIAL_COMPONENT, "TrialComponent"),
    "Endpoint": (EntityKind.ENDPOINT, "Endpoint"),
    "Model": (EntityKind.MODEL, "Model"),
    "ModelPackage": (EntityKind.MODEL_PACKAGE, "ModelPackage"),
    "ModelPackageGroup": (EntityKind.MODEL_PACKAGE_GROUP, "ModelPackageGroup"),
}
"""The kind, and the member of SearchRecord, by Resource."""
_MAX_SCANNED = 5_000
"""Limit of the records that one call looks at, for filters that the store has no index for; the next token continues."""
_PAGE_SIZE = 50


@operation(
    "sagemaker",
    "Search",
    not_served=f"other Resources than {', '.join(_KINDS)}; VisibilityConditions; SourceDetail of trial components, "
    "Endpoints and LastBatchTransformJob of models are left out",
)
def search(
    tunings: TuningService,
    endpoints: EndpointService,
    experiments: ExperimentCatalog,
    principal: Principal,
    request: Shape,
) -> Shape:
    """Compares with the tags of now, not those of the creation. A page may be short, or empty, and have a next token."""
    if request["Resource"] not in _KINDS:
        raise Invalid(f"Resource is {request['Resource']!r}; {', '.join(_KINDS)} can be searched here")
    if request.get("VisibilityConditions"):
        raise Invalid("VisibilityConditions are not served: leave them out")
    if request.get("CrossAccountFilterOption") == "CrossAccount":
        return {"Results": []}  # there are no other accounts here
    kind, member = _KINDS[request["Resource"]]
    shape, expression = searched_shape(member), request.get("SearchExpression", {})
    check_expression(shape, expression)
    check_name(shape, request.get("SortBy", "CreationTime"))
    sources = SearchSources(tunings.jobs.store, tunings.jobs, tunings, endpoints, experiments, principal)
    if is_sorted_by_store(kind, request):
        return _page(sources, kind, member, request)
    return _sorted_page(sources, kind, member, request)


def _page(sources: SearchSources, kind: JobKind | EntityKind, member: str, request: Shape) -> Shape:
    """Returns a page in an order of the store."""
    limit = request.get("MaxResults", DEFAULT_PAGE_SIZE)
    page: list[Shape] = []
    scanned = _candidates(sources, kind, member, request, parse_cursor(request.get("NextToken")))
    for number, (candidate, cursor) in enumerate(scanned, 1):
        if matches(request.get("SearchExpression", {}), candidate):
            page.append(candidate.result())
        if len(page) == limit or number == _MAX_SCANNED:
            return with_next_token({"Results": page}, cursor)
    return {"Results": page}


def _sorted_page(sources: SearchSources, kind: JobKind | EntityKind, member: str, request: Shape) -> Shape:
    """Returns a page in the order of a property; records without it come last. Raises Invalid for too many records."""
    scanned = [one for one, _ in islice(_candidates(sources, kind, member, request, JobCursor()), _MAX_SCANNED + 1)]
    if len(scanned) > _MAX_SCANNED:
        raise Invalid(
            f"SortBy {request['SortBy']!r} would sort more than {_MAX_SCANNED:,} records; sort by CreationTime"
        )
    found = [one for one in scanned if matches(request.get("SearchExpression", {}), one)]
    keys = [(candidate_values(one, request["SortBy"]), one) for one in found]
    with_value = [(values[0], one) for values, one in keys if values]
    with_value.sort(key=lambda pair: _sort_key(pair[0]), reverse=is_descending(request))
    ordered = [one for _, one in with_value] + [one for values, one in keys if not values]
    start = parse_cursor(request.get("NextToken")).offset
    end = start + request.get("MaxResults", DEFAULT_PAGE_SIZE)
    results = [one.result() for one in ordered[start:end]]
    return with_next_token({"Results": results}, JobCursor(end) if end < len(ordered) else None)


def _sort_key(value: Any) -> tuple[str, Any]:
    """Returns a key that never compares values of two types."""
    if isinstance(value, int | float):
        return "number", float(value)
    return type(value).__name__, value if hasattr(value, "__lt__") and not isinstance(value, dict) else str(value)


def _candidates(
    sources: SearchSources, kind: JobKind | EntityKind, member: str, request: Shape, cursor: JobCursor
) -> Iterator[tuple[_Candidate, JobCursor]]:
    """Yields (candidate, the cursor behind it)."""
    if isinstance(kind, JobKind):
        for job, behind in iterate_jobs(sources.store, job_search_query(request), cursor, lambda job: [job]):
            yield JobCandidate(sources, job), behind
        return
    records = sources.experiments.records
    query = entity_search_query(kind, request, records)
    while True:
        page = records.find(replace(query, limit=_PAGE_SIZE, next_token=cursor.page_token))
        for index in range(cursor.offset, len(page.entities)):
            yield _entity_candidate(sources, page.entities[index], member), JobCursor(index + 1, cursor.page_token)
        if page.next_token is None:
            return
        cursor = JobCursor(0, page.next_token)


def _entity_candidate(sources: SearchSources, entity: Entity, member: str) -> _Candidate:
    is_component = entity.kind is EntityKind.TRIAL_COMPONENT
    return ComponentCandidate(sources, entity) if is_component else EntityCandidate(sources, entity, member)
