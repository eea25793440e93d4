"""What the migrations make is what the queries expect."""

from sqlalchemy import Engine, create_engine, inspect

from naiad.service.store.engines import sqlite_engines
from naiad.service.store.migrations import upgrade
from naiad.service.store.schema import metadata


def shape(engine: Engine) -> dict:
    found = inspect(engine)
    return {
        table: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(table)],
            found.get_pk_constraint(table)["constrained_columns"],
            sorted((index["name"], index["column_names"], index["unique"]) for index in found.get_indexes(table)),
        )
        for table in found.get_table_names()
    }


def test_the_migrations_lead_to_the_schema(tmp_path):
    migrated = sqlite_engines(tmp_path / "migrated.db")
    upgrade(migrated.writer)
    described = create_engine(f"sqlite:///{tmp_path / 'described.db'}")
    metadata.create_all(described)
    assert shape(migrated.reader) == shape(described)
    migrated.dispose()
    described.dispose()
