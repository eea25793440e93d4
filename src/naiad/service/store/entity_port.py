"""The port of the entities: all that the service keeps by name besides jobs. ``port.py`` has the contract of both."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from naiad.service.domain.association import Association
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.tuning import Trial


@dataclass(frozen=True)
class EntityQuery:
    """Filters, an order and a page. Filters are joined by "and"; None does not filter. Times are inclusive and in UTC."""

    kind: EntityKind
    status: str | None = None
    name_contains: str | None = None
    name_prefix: str | None = None
    """``<group>/`` finds the versions of a model package group."""
    has_version: bool | None = None
    """Whether the name is ``<group>/<version>``."""
    member_of: str | None = None
    """An ARN: finds what is a member of it, or a member of a member, by the store's associations."""
    with_member: str | None = None
    """An ARN: finds what that thing is a member of."""
    created_after: dt.datetime | None = None
    created_before: dt.datetime | None = None
    modified_after: dt.datetime | None = None
    modified_before: dt.datetime | None = None
    sort_by: Literal["name", "created_at", "modified_at", "status"] = "created_at"
    descending: bool = False
    limit: int = 100
    next_token: str | None = None
    """The ``next_token`` of the page before; None for the first page."""


@dataclass(frozen=True)
class EntityPage:
    entities: tuple[Entity, ...]
    next_token: str | None
    """Token of the page that follows, or None. Entities that are added meanwhile neither repeat nor hide others."""


class EntityStore(Protocol):
    def add(
        self,
        entity: Entity,
        tags: Mapping[str, str],
        associations: Sequence[Association] = (),
        trials: Sequence[Trial] = (),
    ) -> None:
        """Adds the entity with its tags, its associations and, for a tuning job, its trials, or nothing.

        Raises AlreadyExists for a name that is taken.
        """

    def get(self, kind: EntityKind, name: str) -> Entity:
        """Raises NotFound."""

    def update(self, entity: Entity, *, before: Entity) -> None:
        """Replaces ``before`` by ``entity``. Raises Conflict when the stored one is no longer ``before`` (by modified_at and
        status), NotFound when it was deleted.
        """

    def delete(self, entity: Entity) -> None:
        """Deletes the entity, its tags, its associations and its trials; its name is free again. Raises NotFound when it was
        deleted already, even if there is a new one of that name.
        """

    def find(self, query: EntityQuery) -> EntityPage:
        """Raises Invalid for a token that does not come from this query."""

    def all(self, kind: EntityKind) -> tuple[Entity, ...]:
        """Returns the entities in the order of creation."""
