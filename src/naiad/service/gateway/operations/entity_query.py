"""The query that the List… operations of models, endpoints and their kin share."""

from typing import Literal

from naiad.service.domain.entity import EntityKind
from naiad.service.gateway.operation import Shape
from naiad.service.gateway.operations.paging import DEFAULT_PAGE_SIZE, utc_member
from naiad.service.store.entity_port import EntityQuery

_SORT_COLUMNS: dict[str, Literal["name", "created_at", "modified_at", "status"]] = {
    "Name": "name",
    "CreationTime": "created_at",
    "ModifiedTime": "modified_at",
    "Status": "status",
}


def entity_query(
    kind: EntityKind,
    request: Shape,
    *,
    status: str | None = None,
    time_name: str = "CreationTime",
    default_order: str = "Descending",
) -> EntityQuery:
    """Sorts by time unless the request says otherwise. ``time_name``: begins the names of the filters by creation."""
    return EntityQuery(
        kind=kind,
        status=status,
        name_contains=request.get("NameContains"),
        created_after=utc_member(request, f"{time_name}After"),
        created_before=utc_member(request, f"{time_name}Before"),
        modified_after=utc_member(request, "LastModifiedTimeAfter"),
        modified_before=utc_member(request, "LastModifiedTimeBefore"),
        sort_by=_SORT_COLUMNS[request.get("SortBy", "CreationTime")],
        descending=request.get("SortOrder", default_order) == "Descending",
        limit=request.get("MaxResults", DEFAULT_PAGE_SIZE),
        next_token=request.get("NextToken"),
    )
