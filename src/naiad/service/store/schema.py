"""The tables as queries see them. ``migrations.py`` creates them; a test compares the two.

A time is a whole number of microseconds since 1970 in UTC, exact and sortable on every database. Every value that is filtered or
sorted by has a column. Text that a program wrote is stored as JSON in ASCII, because PostgreSQL refuses NUL and SQLite a lone
surrogate.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text
from sqlalchemy.dialects import postgresql

from naiad.service.store.row_checksum import COLUMN as CHECKSUM

metadata = MetaData()

_TEXT = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Sorted by its bytes on both databases."""

jobs = Table(
    "naiad_jobs",
    metadata,
    Column("kind", _TEXT, primary_key=True),
    Column("name", _TEXT, primary_key=True),
    Column("arn", _TEXT, nullable=False),
    Column("region", _TEXT, nullable=False),
    Column("status", _TEXT, nullable=False),
    Column("phase", _TEXT, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("modified_us", BigInteger, nullable=False),
    Column("started_us", BigInteger),
    Column("ended_us", BigInteger),
    Column("instances", Integer, nullable=False),
    Column("cores", Integer, nullable=False),
    Column("memory_bytes", BigInteger, nullable=False),
    Column("gpus", Integer, nullable=False),
    Column("access_key", _TEXT, nullable=False),
    Column("secret_key", _TEXT, nullable=False),
    Column("failure_reason", _TEXT),
    Column("exit_message", _TEXT),
    Column("transitions", _TEXT, nullable=False),
    Column("request", _TEXT, nullable=False),
    Column("creator", _TEXT),
    Column(CHECKSUM, BigInteger),
    # Each index has more columns than its order needs, so that most filters are answered from it without reading the rows.
    Index("naiad_jobs_by_name", "kind", "name", "status"),
    Index("naiad_jobs_by_creation", "kind", "created_us", "name", "status", "arn"),
    Index("naiad_jobs_by_change", "kind", "modified_us", "name", "status", "arn"),
    Index("naiad_jobs_by_status", "kind", "status", "created_us", "name"),
    Index("naiad_jobs_by_arn", "arn", unique=True),
    Index("naiad_jobs_by_access_key", "access_key"),
)

entities = Table(
    "naiad_entities",
    metadata,
    Column("kind", _TEXT, primary_key=True),
    Column("name", _TEXT, primary_key=True),
    Column("arn", _TEXT, nullable=False),
    Column("region", _TEXT, nullable=False),
    Column("status", _TEXT, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("modified_us", BigInteger, nullable=False),
    Column("request", _TEXT, nullable=False),
    Column("detail", _TEXT, nullable=False),
    Column(CHECKSUM, BigInteger),
    Index("naiad_entities_by_creation", "kind", "created_us", "name"),
)

associations = Table(
    "naiad_associations",
    metadata,
    Column("source", _TEXT, primary_key=True),
    Column("destination", _TEXT, primary_key=True),
    Column("type", _TEXT, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Index("naiad_associations_by_destination", "destination", "source"),
)

tags = Table(
    "naiad_tags",
    metadata,
    Column("arn", _TEXT, primary_key=True),
    Column("key", _TEXT, primary_key=True),
    Column("value", _TEXT, nullable=False),
    Index("naiad_tags_by_value", "key", "value", "arn"),
)

trials = Table(
    "naiad_tuning_trials",
    metadata,
    Column("tuning", _TEXT, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", _TEXT, nullable=False),
    Column("state", _TEXT, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("detail", _TEXT, nullable=False),
    Column(CHECKSUM, BigInteger),
)

COLUMNS_WITHOUT_CHECKSUM = {
    table.name: tuple(column.name for column in table.columns if column.name != CHECKSUM)
    for table in (jobs, entities, trials)
}
"""Names of the columns over which a row's checksum is taken, in order."""

version = Table("naiad_version", metadata, Column("version", Integer, nullable=False))
