"""Entities on a SQL database; ``entities_port.py`` has the contract."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import AlreadyExists, Conflict, Invalid, NotFound
from naiad.service.store.entities_port import EntityPage, EntityQuery
from naiad.service.store.paging import behind, order, token_of
from naiad.service.store.queries import between
from naiad.service.store.records import micros, moment
from naiad.service.store.schema import entities, tags
from naiad.service.store.sessions import Sessions
from naiad.service.store.tagging import put_tags


class SqlEntities:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def add(self, entity: Entity, tags: Mapping[str, str]) -> None:
        row = _row_of(entity)
        with self._sessions.writing() as connection:
            try:
                connection.execute(insert(entities).values(row))
            except IntegrityError as error:
                raise AlreadyExists(f"{entity.kind} {entity.name} exists already; choose another name") from error
            put_tags(connection, entity.arn, tags)

    def get(self, kind: EntityKind, name: str) -> Entity:
        with self._sessions.reading() as connection:
            row = connection.execute(select(entities).where(_is(kind, name))).mappings().one_or_none()
        if row is None:
            raise _not_found(kind, name)
        return _entity_of(row)

    def update(self, entity: Entity, *, before: Entity) -> None:
        assert (entity.kind, entity.name) == (before.kind, before.name)
        row = _row_of(entity)
        same = _is(before.kind, before.name) & (entities.c.created_us == micros(before.created_at))
        still = same & (entities.c.modified_us == micros(before.modified_at)) & (entities.c.status == before.status)
        with self._sessions.writing() as connection:
            if connection.execute(update(entities).where(still).values(row)).rowcount == 0:
                raise _why_not(connection, before, same)

    def delete(self, entity: Entity) -> None:
        same = _is(entity.kind, entity.name) & (entities.c.created_us == micros(entity.created_at))
        with self._sessions.writing() as connection:
            if connection.execute(delete(entities).where(same)).rowcount == 0:
                raise _not_found(entity.kind, entity.name)
            connection.execute(delete(tags).where(tags.c.arn == entity.arn))

    def find(self, query: EntityQuery) -> EntityPage:
        assert query.limit > 0
        with self._sessions.reading() as connection:
            asked = select(entities).where(*_filters(query, connection)).order_by(*order(query, entities))
            rows = connection.execute(asked.limit(query.limit + 1)).mappings().all()
        shown = rows[: query.limit]
        token = token_of(query, shown[-1]) if len(rows) > query.limit else None
        return EntityPage(tuple(_entity_of(row) for row in shown), token)

    def all(self, kind: EntityKind) -> tuple[Entity, ...]:
        asked = select(entities).where(entities.c.kind == kind.value)
        with self._sessions.reading() as connection:
            rows = connection.execute(asked.order_by(entities.c.created_us, entities.c.name)).mappings().all()
        return tuple(_entity_of(row) for row in rows)


def _row_of(entity: Entity) -> dict[str, Any]:
    """Raises Invalid for a request that JSON cannot hold."""
    try:
        request, detail = (json.dumps(dict(part), allow_nan=False) for part in (entity.request, entity.detail))
    except (TypeError, ValueError) as error:
        raise Invalid(f"{entity.kind} {entity.name} cannot be stored as JSON: {error}") from error
    return {
        "kind": entity.kind.value,
        "name": entity.name,
        "arn": entity.arn,
        "region": entity.region,
        "status": entity.status,
        "created_us": micros(entity.created_at),
        "modified_us": micros(entity.modified_at),
        "request": request,
        "detail": detail,
    }


def _entity_of(row: Mapping[Any, Any]) -> Entity:
    return Entity(
        EntityKind(row["kind"]),
        row["name"],
        row["region"],
        json.loads(row["request"]),
        moment(row["created_us"]),
        moment(row["modified_us"]),
        row["status"],
        json.loads(row["detail"]),
    )


def _filters(query: EntityQuery, connection: Connection) -> Iterator[ColumnElement[bool]]:
    yield entities.c.kind == query.kind.value
    if query.status is not None:
        yield entities.c.status == query.status
    yield from between(entities.c.created_us, query.created_after, query.created_before)
    yield from between(entities.c.modified_us, query.modified_after, query.modified_before)
    if query.name_prefix is not None:
        yield func.substr(entities.c.name, 1, len(query.name_prefix)) == query.name_prefix
    position = func.instr if connection.dialect.name == "sqlite" else func.strpos
    if query.name_contains is not None:
        yield position(entities.c.name, query.name_contains) > 0
    if query.has_version is not None:
        slash = position(entities.c.name, "/")
        yield slash > 0 if query.has_version else slash == 0
    if query.after is not None:
        yield behind(query, query.after, entities)


def _is(kind: EntityKind, name: str) -> ColumnElement[bool]:
    return (entities.c.kind == kind.value) & (entities.c.name == name)


def _why_not(connection: Connection, before: Entity, same: ColumnElement[bool]) -> Conflict | NotFound:
    if not connection.execute(select(exists().where(same))).scalar_one():
        return _not_found(before.kind, before.name)
    return Conflict(f"{before.kind} {before.name} was changed since it was read; read it again")


def _not_found(kind: EntityKind, name: str) -> NotFound:
    return NotFound(f"no {kind} of the name {name}")
