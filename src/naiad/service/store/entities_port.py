"""The port of what is kept by name besides jobs. The same contract as the jobs' store has, on the same database."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from naiad.service.domain.entity import Entity, EntityKind


@dataclass(frozen=True)
class EntityQuery:
    """Filters are joined by "and"; None does not filter. Times are inclusive and in UTC."""

    kind: EntityKind
    status: str | None = None
    name_contains: str | None = None
    name_prefix: str | None = None
    """``<group>/`` finds the versions of a model package group."""
    has_version: bool | None = None
    """Whether the name is ``<group>/<version>``."""
    created_after: dt.datetime | None = None
    created_before: dt.datetime | None = None
    modified_after: dt.datetime | None = None
    modified_before: dt.datetime | None = None
    sort_by: Literal["name", "created_at", "modified_at", "status"] = "created_at"
    descending: bool = False
    limit: int = 100
    after: str | None = None
    """``next_token`` of the page before."""


@dataclass(frozen=True)
class EntityPage:
    entities: tuple[Entity, ...]
    next_token: str | None
    """None on the last page. What is added meanwhile neither repeats nor hides others."""


class Entities(Protocol):
    def add(self, entity: Entity, tags: Mapping[str, str]) -> None:
        """Raises AlreadyExists when one of this kind has the name."""

    def get(self, kind: EntityKind, name: str) -> Entity:
        """Raises NotFound."""

    def update(self, entity: Entity, *, before: Entity) -> None:
        """Puts ``entity`` where ``before`` is. Raises Conflict when the stored one is no longer ``before`` (by modified_at and
        status), NotFound when it is gone.
        """

    def delete(self, entity: Entity) -> None:
        """Forgets it and its tags; the name is free again. Raises NotFound when it is gone, or another of that name is there."""

    def find(self, query: EntityQuery) -> EntityPage:
        """Raises Invalid for a token that this query did not give."""

    def all(self, kind: EntityKind) -> tuple[Entity, ...]:
        """By creation."""
