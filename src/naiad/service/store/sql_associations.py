"""The associations on a SQL database; ``association_port.py`` has the contract."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, union_all
from sqlalchemy.exc import IntegrityError

from naiad.service.domain.association import Association, AssociationType
from naiad.service.domain.errors import AlreadyExists
from naiad.service.store.database import Database
from naiad.service.store.schema import associations
from naiad.service.store.timestamps import from_epoch_us, to_epoch_us

_GROUP_TYPES = (AssociationType.MEMBER.value, AssociationType.SOURCE.value)


class SqlAssociationStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, association: Association) -> None:
        with self._database.begin() as connection:
            try:
                put_associations(connection, [association])
            except IntegrityError as error:
                ends = f"{association.source} to {association.destination}"
                raise AlreadyExists(f"an association from {ends} already exists") from error

    def remove(self, source: str, destination: str) -> bool:
        is_same = (associations.c.source == source) & (associations.c.destination == destination)
        with self._database.begin() as connection:
            return connection.execute(delete(associations).where(is_same)).rowcount > 0

    def find(self, *, source: str | None = None, destination: str | None = None) -> tuple[Association, ...]:
        statement = select(associations).order_by(associations.c.created_us, associations.c.source)
        if source is not None:
            statement = statement.where(associations.c.source == source)
        if destination is not None:
            statement = statement.where(associations.c.destination == destination)
        with self._database.connect() as connection:
            rows = connection.execute(statement).mappings().all()
        return tuple(
            Association(
                row["source"], row["destination"], AssociationType(row["type"]), from_epoch_us(row["created_us"])
            )
            for row in rows
        )


def put_associations(connection: Connection, added: Sequence[Association]) -> None:
    """Raises IntegrityError for one that is there already."""
    for one in added:
        row = {
            "source": one.source,
            "destination": one.destination,
            "type": one.type.value,
            "created_us": to_epoch_us(one.created_at),
        }
        connection.execute(insert(associations).values(row))


def remove_associations_of(connection: Connection, arn: str) -> None:
    is_end = (associations.c.source == arn) | (associations.c.destination == arn)
    connection.execute(delete(associations).where(is_end))


def is_member(arn: ColumnElement[Any], group: str) -> ColumnElement[bool]:
    """Returns the condition that the thing is a member of the group, a member of a member, or made from the job ``group``."""
    outer, inner = associations.alias(), associations.alias()
    direct = select(outer.c.source).where(outer.c.destination == group, outer.c.type.in_(_GROUP_TYPES))
    through = select(inner.c.source).join(outer, inner.c.destination == outer.c.source)
    are_members = (outer.c.type == AssociationType.MEMBER.value) & (inner.c.type == AssociationType.MEMBER.value)
    return arn.in_(union_all(direct, through.where(outer.c.destination == group, are_members)))


def has_member(arn: ColumnElement[Any], member: str) -> ColumnElement[bool]:
    is_membership = (associations.c.source == member) & (associations.c.type == AssociationType.MEMBER.value)
    return arn.in_(select(associations.c.destination).where(is_membership))
