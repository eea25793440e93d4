"""The entities on a SQL database; ``entity_port.py`` has the contract."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from naiad.service.domain.association import Association
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import AlreadyExists, Conflict, Invalid, NotFound
from naiad.service.domain.tuning import Trial
from naiad.service.store.database import Database
from naiad.service.store.entity_port import EntityPage, EntityQuery
from naiad.service.store.paging import is_after_token, make_token, order_by
from naiad.service.store.queries import time_range
from naiad.service.store.row_checksum import check_row, undamaged, with_checksum
from naiad.service.store.schema import COLUMNS_WITHOUT_CHECKSUM, entities, tags
from naiad.service.store.sql_associations import has_member, is_member, put_associations, remove_associations_of
from naiad.service.store.sql_trials import put_trials, remove_trials_of
from naiad.service.store.tags import put_tags
from naiad.service.store.timestamps import from_epoch_us, to_epoch_us


class SqlEntityStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        entity: Entity,
        tags: Mapping[str, str],
        associations: Sequence[Association] = (),
        trials: Sequence[Trial] = (),
    ) -> None:
        row = _to_row(entity)
        with self._database.begin() as connection:
            try:
                connection.execute(insert(entities).values(row))
            except IntegrityError as error:
                raise AlreadyExists(f"{entity.kind} {entity.name} already exists; choose another name") from error
            put_tags(connection, entity.arn, tags)
            put_associations(connection, associations)
            put_trials(connection, trials)

    def get(self, kind: EntityKind, name: str) -> Entity:
        with self._database.connect() as connection:
            row = connection.execute(select(entities).where(_has_name(kind, name))).mappings().one_or_none()
        if row is None:
            raise _not_found(kind, name)
        return _from_row(row)

    def update(self, entity: Entity, *, before: Entity) -> None:
        assert (entity.kind, entity.name) == (before.kind, before.name)
        row = _to_row(entity)
        is_same = _is_same(before)
        is_unchanged = (entities.c.modified_us == to_epoch_us(before.modified_at)) & (
            entities.c.status == before.status
        )
        with self._database.begin() as connection:
            if connection.execute(update(entities).where(is_same, is_unchanged).values(row)).rowcount == 0:
                raise _update_error(connection, before)

    def delete(self, entity: Entity) -> None:
        with self._database.begin() as connection:
            if connection.execute(delete(entities).where(_is_same(entity))).rowcount == 0:
                raise _not_found(entity.kind, entity.name)
            connection.execute(delete(tags).where(tags.c.arn == entity.arn))
            remove_associations_of(connection, entity.arn)
            if entity.kind is EntityKind.TUNING:
                remove_trials_of(connection, entity.name)

    def find(self, query: EntityQuery) -> EntityPage:
        assert query.limit > 0
        with self._database.connect() as connection:
            statement = select(entities).where(*_filters(query, connection)).order_by(*order_by(query, entities))
            rows = connection.execute(statement.limit(query.limit + 1)).mappings().all()
        on_page = rows[: query.limit]
        token = make_token(query, on_page[-1]) if len(rows) > query.limit else None
        return EntityPage(tuple(undamaged(on_page, _from_row)), token)

    def all(self, kind: EntityKind) -> tuple[Entity, ...]:
        statement = select(entities).where(entities.c.kind == kind.value)
        with self._database.connect() as connection:
            rows = connection.execute(statement.order_by(entities.c.created_us, entities.c.name)).mappings().all()
        return tuple(undamaged(rows, _from_row))


def _to_row(entity: Entity) -> dict[str, Any]:
    """Raises Invalid for a request that JSON cannot hold."""
    try:
        request, detail = (json.dumps(dict(values), allow_nan=False) for values in (entity.request, entity.detail))
    except (TypeError, ValueError) as error:
        raise Invalid(f"{entity.kind} {entity.name} cannot be stored as JSON: {error}") from error
    values = {
        "kind": entity.kind.value,
        "name": entity.name,
        "arn": entity.arn,
        "region": entity.region,
        "status": entity.status,
        "created_us": to_epoch_us(entity.created_at),
        "modified_us": to_epoch_us(entity.modified_at),
        "request": request,
        "detail": detail,
    }
    return with_checksum(values)


def _from_row(row: Mapping[Any, Any]) -> Entity:
    """Raises DamagedRow."""
    check_row(row, COLUMNS_WITHOUT_CHECKSUM[entities.name])
    return Entity(
        kind=EntityKind(row["kind"]),
        name=row["name"],
        region=row["region"],
        request=json.loads(row["request"]),
        created_at=from_epoch_us(row["created_us"]),
        modified_at=from_epoch_us(row["modified_us"]),
        status=row["status"],
        detail=json.loads(row["detail"]),
    )


def _filters(query: EntityQuery, connection: Connection) -> Iterator[ColumnElement[bool]]:
    yield entities.c.kind == query.kind.value
    if query.status is not None:
        yield entities.c.status == query.status
    yield from time_range(entities.c.created_us, query.created_after, query.created_before)
    yield from time_range(entities.c.modified_us, query.modified_after, query.modified_before)
    if query.name_prefix is not None:
        yield func.substr(entities.c.name, 1, len(query.name_prefix)) == query.name_prefix
    if query.member_of is not None:
        yield is_member(entities.c.arn, query.member_of)
    if query.with_member is not None:
        yield has_member(entities.c.arn, query.with_member)
    position = func.instr if connection.dialect.name == "sqlite" else func.strpos
    if query.name_contains is not None:
        yield position(entities.c.name, query.name_contains) > 0
    if query.has_version is not None:
        slash = position(entities.c.name, "/")
        yield slash > 0 if query.has_version else slash == 0
    if query.next_token is not None:
        yield is_after_token(query, query.next_token, entities)


def _has_name(kind: EntityKind, name: str) -> ColumnElement[bool]:
    return (entities.c.kind == kind.value) & (entities.c.name == name)


def _is_same(entity: Entity) -> ColumnElement[bool]:
    """Matches the entity, changed or not, and no later one of its name."""
    return _has_name(entity.kind, entity.name) & (entities.c.created_us == to_epoch_us(entity.created_at))


def _update_error(connection: Connection, before: Entity) -> Conflict | NotFound:
    if not connection.execute(select(exists().where(_is_same(before)))).scalar_one():
        return _not_found(before.kind, before.name)
    return Conflict(f"{before.kind} {before.name} was changed since it was read; read it again")


def _not_found(kind: EntityKind, name: str) -> NotFound:
    return NotFound(f"no {kind} of the name {name}")
