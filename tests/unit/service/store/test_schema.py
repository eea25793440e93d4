"""The migrations create the tables that the queries expect."""

from sqlalchemy import Engine, create_engine, inspect

from naiad.service.store.engines import sqlite_engines
from naiad.service.store.migrations import upgrade
from naiad.service.store.schema import metadata


def tables_of(engine: Engine) -> dict:
    inspector = inspect(engine)
    return {
        table: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in inspector.get_columns(table)],
            inspector.get_pk_constraint(table)["constrained_columns"],
            sorted((index["name"], index["column_names"], index["unique"]) for index in inspector.get_indexes(table)),
        )
        for table in inspector.get_table_names()
    }


def test_the_migrations_lead_to_the_schema(tmp_path):
    migrated = sqlite_engines(tmp_path / "migrated.db")
    upgrade(migrated.writer)
    described = create_engine(f"sqlite:///{tmp_path / 'described.db'}")
    metadata.create_all(described)
    assert tables_of(migrated.reader) == tables_of(described)
    migrated.dispose()
    described.dispose()
