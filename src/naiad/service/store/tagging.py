"""Tags by ARN, of jobs and of all else."""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from naiad.service.store.schema import tags

_UPSERTS: Mapping[str, Callable[..., sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def put_tags(connection: Connection, arn: str, added: Mapping[str, str]) -> None:
    if not added:
        return
    upsert = _UPSERTS[connection.dialect.name](tags)
    upsert = upsert.on_conflict_do_update(index_elements=["arn", "key"], set_={"value": upsert.excluded.value})
    connection.execute(upsert, [{"arn": arn, "key": key, "value": value} for key, value in sorted(added.items())])
