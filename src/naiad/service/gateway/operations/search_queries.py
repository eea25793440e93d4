"""The queries behind Search: they find every record that can match, and as few others as the store's indexes allow."""

from collections.abc import Iterator
from typing import Literal

from naiad.service.domain.entity import EntityKind
from naiad.service.domain.job import JobKind
from naiad.service.experiments.records import ExperimentRecords
from naiad.service.gateway.operation import Shape
from naiad.service.gateway.operations.search_filters import TAG_PREFIX, is_tag, required_filters
from naiad.service.store.entity_port import EntityQuery
from naiad.service.store.port import JobQuery

_SortColumn = Literal["name", "created_at", "modified_at", "status"]
_NAMES: dict[JobKind | EntityKind, tuple[str, str]] = {
    JobKind.TRAINING: ("TrainingJobName", "TrainingJobStatus"),
    EntityKind.EXPERIMENT: ("ExperimentName", ""),
    EntityKind.TRIAL: ("TrialName", ""),
    EntityKind.TUNING: ("HyperParameterTuningJobName", "HyperParameterTuningJobStatus"),
    EntityKind.TRIAL_COMPONENT: ("TrialComponentName", ""),
    EntityKind.ENDPOINT: ("EndpointName", "EndpointStatus"),
    EntityKind.MODEL: ("ModelName", ""),
    EntityKind.MODEL_PACKAGE: ("ModelPackageName", "ModelApprovalStatus"),
    EntityKind.MODEL_PACKAGE_GROUP: ("ModelPackageGroupName", ""),
}
"""The properties that are name and status in the store."""
_GROUPS = {"Parents.ExperimentName": EntityKind.EXPERIMENT, "Parents.TrialName": EntityKind.TRIAL}


def job_search_query(request: Shape) -> JobQuery:
    name, status = _NAMES[JobKind.TRAINING]
    expression = request.get("SearchExpression", {})
    return JobQuery(
        JobKind.TRAINING,
        tag=_required_tag(expression),
        failure_contains=_required_failure(expression),
        name_contains=_required_name(expression, name),
        sort_by=_sort_column(request, name, status) or "modified_at",
        descending=is_descending(request),
    )


def entity_search_query(kind: EntityKind, request: Shape, records: ExperimentRecords) -> EntityQuery:
    name, status = _NAMES[kind]
    expression = request.get("SearchExpression", {})
    return EntityQuery(
        kind,
        name_contains=_required_name(expression, name),
        member_of=_required_group(expression, records) if kind is EntityKind.TRIAL_COMPONENT else None,
        sort_by=_sort_column(request, name, status) or "modified_at",
        descending=is_descending(request),
    )


def is_sorted_by_store(kind: JobKind | EntityKind, request: Shape) -> bool:
    return _sort_column(request, *_NAMES[kind]) is not None


def is_descending(request: Shape) -> bool:
    return bool(request.get("SortOrder", "Descending") == "Descending")


def _sort_column(request: Shape, name: str, status: str) -> _SortColumn | None:
    """Returns None for a property that the store does not sort by."""
    columns: dict[str, _SortColumn] = {"CreationTime": "created_at", "LastModifiedTime": "modified_at", name: "name"}
    if status:
        columns[status] = "status"
    return columns.get(request.get("SortBy", "LastModifiedTime"))


def _required_tag(expression: Shape) -> tuple[str, str | None] | None:
    """Returns (key, value; None for any) of a tag that every job must have."""
    tags = [
        (name[len(TAG_PREFIX) :], value if operator == "Equals" else None)
        for name, operator, value in required_filters(expression)
        if is_tag(name) and operator not in {"NotExists", "NotEquals"}
    ]
    tags.sort(key=lambda tag: tag[1] is None)  # a tag with a known value leaves fewer jobs
    return tags[0] if tags else None


def _required_failure(expression: Shape) -> str | None:
    """Returns a text that the failure reason of every job must contain."""
    for operator, value in _required(expression, "FailureReason"):
        if operator not in {"NotExists", "NotEquals"}:
            return value if operator in {"Equals", "Contains"} else ""
    return None


def _required_name(expression: Shape, name: str) -> str | None:
    for operator, value in _required(expression, name):
        if operator in {"Equals", "Contains"} and value:
            return value
    return None


def _required_group(expression: Shape, records: ExperimentRecords) -> str | None:
    """Returns the ARN of a trial or an experiment that every trial component must be in."""
    for name, kind in reversed(_GROUPS.items()):
        for operator, value in _required(expression, name):
            if operator == "Equals" and value:
                return records.arn(kind, value)
    return None


def _required(expression: Shape, name: str) -> Iterator[tuple[str, str]]:
    for one, operator, value in required_filters(expression):
        if one == name:
            yield operator, value
