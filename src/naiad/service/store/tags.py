"""Tags by ARN, of jobs and of entities."""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from naiad.service.store.schema import tags

_INSERTS: Mapping[str, Callable[..., sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def put_tags(connection: Connection, arn: str, added: Mapping[str, str]) -> None:
    """Adds tags; replaces those of the same keys."""
    if not added:
        return
    insert = _INSERTS[connection.dialect.name](tags)
    upsert = insert.on_conflict_do_update(index_elements=["arn", "key"], set_={"value": insert.excluded.value})
    connection.execute(upsert, [{"arn": arn, "key": key, "value": value} for key, value in sorted(added.items())])
