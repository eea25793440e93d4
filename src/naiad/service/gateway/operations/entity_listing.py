"""What the List… operations of models and their kin share."""

from typing import Any, Literal

from naiad.service.domain.entity import EntityKind
from naiad.service.gateway.operations.listing import utc
from naiad.service.store.entity_port import EntityQuery

_SORTS: dict[str, Literal["name", "created_at", "modified_at", "status"]] = {
    "Name": "name",
    "CreationTime": "created_at",
    "ModifiedTime": "modified_at",
    "Status": "status",
}
_PAGE = 10
"""AWS's own where MaxResults is left out."""


def entity_query(
    kind: EntityKind, asked: dict[str, Any], *, status: str | None = None, name_prefix: str | None = None
) -> EntityQuery:
    """The newest first, unless the request says otherwise."""
    return EntityQuery(
        kind=kind,
        status=status,
        name_contains=asked.get("NameContains"),
        name_prefix=name_prefix,
        created_after=utc(asked.get("CreationTimeAfter")),
        created_before=utc(asked.get("CreationTimeBefore")),
        modified_after=utc(asked.get("LastModifiedTimeAfter")),
        modified_before=utc(asked.get("LastModifiedTimeBefore")),
        sort_by=_SORTS[asked.get("SortBy", "CreationTime")],
        descending=asked.get("SortOrder", "Descending") == "Descending",
        limit=asked.get("MaxResults", _PAGE),
        next_token=asked.get("NextToken"),
    )
