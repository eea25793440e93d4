"""Creates and upgrades a database's tables: numbered migrations, each run once and never edited after a release.

docs/adr/0004 says why this is not Alembic. ``{text}`` stands for the dialect's type of text that is sorted by its bytes.
"""

from sqlalchemy import Connection, Engine, insert, inspect, select, text, update

from naiad.errors import InputError
from naiad.service.store.schema import version

_JOBS_AND_TAGS = (
    """CREATE TABLE naiad_jobs (
        kind {text} NOT NULL, name {text} NOT NULL, arn {text} NOT NULL, region {text} NOT NULL,
        status {text} NOT NULL, phase {text} NOT NULL, attempt INTEGER NOT NULL,
        created_us BIGINT NOT NULL, modified_us BIGINT NOT NULL, started_us BIGINT, ended_us BIGINT,
        instances INTEGER NOT NULL, cores INTEGER NOT NULL, memory_bytes BIGINT NOT NULL, gpus INTEGER NOT NULL,
        access_key {text} NOT NULL, secret_key {text} NOT NULL, failure_reason {text}, exit_message {text},
        transitions {text} NOT NULL, request {text} NOT NULL,
        PRIMARY KEY (kind, name))""",
    "CREATE INDEX naiad_jobs_by_name ON naiad_jobs (kind, name, status)",
    "CREATE INDEX naiad_jobs_by_creation ON naiad_jobs (kind, created_us, name, status, arn)",
    "CREATE INDEX naiad_jobs_by_change ON naiad_jobs (kind, modified_us, name, status, arn)",
    "CREATE INDEX naiad_jobs_by_status ON naiad_jobs (kind, status, created_us, name)",
    "CREATE UNIQUE INDEX naiad_jobs_by_arn ON naiad_jobs (arn)",
    "CREATE INDEX naiad_jobs_by_access_key ON naiad_jobs (access_key)",
    """CREATE TABLE naiad_tags (
        arn {text} NOT NULL, key {text} NOT NULL, value {text} NOT NULL,
        PRIMARY KEY (arn, key))""",
    "CREATE INDEX naiad_tags_by_value ON naiad_tags (key, value, arn)",
)

_ENTITIES = (
    """CREATE TABLE naiad_entities (
        kind {text} NOT NULL, name {text} NOT NULL, arn {text} NOT NULL, region {text} NOT NULL, status {text} NOT NULL,
        created_us BIGINT NOT NULL, modified_us BIGINT NOT NULL, request {text} NOT NULL, detail {text} NOT NULL,
        PRIMARY KEY (kind, name))""",
    "CREATE INDEX naiad_entities_by_creation ON naiad_entities (kind, created_us, name)",
)

_ASSOCIATIONS = (
    """CREATE TABLE naiad_associations (
        source {text} NOT NULL, destination {text} NOT NULL, type {text} NOT NULL, created_us BIGINT NOT NULL,
        PRIMARY KEY (source, destination))""",
    "CREATE INDEX naiad_associations_by_destination ON naiad_associations (destination, source)",
)

_CREATORS = ("ALTER TABLE naiad_jobs ADD COLUMN creator {text}",)

_CHECKSUMS = (
    "ALTER TABLE naiad_jobs ADD COLUMN checksum BIGINT",
    "ALTER TABLE naiad_entities ADD COLUMN checksum BIGINT",
)

_TRIALS = (
    """CREATE TABLE naiad_tuning_trials (
        tuning {text} NOT NULL, number INTEGER NOT NULL, name {text} NOT NULL, state {text} NOT NULL,
        created_us BIGINT NOT NULL, detail {text} NOT NULL, checksum BIGINT,
        PRIMARY KEY (tuning, number))""",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    *(_JOBS_AND_TAGS, _ENTITIES, _ASSOCIATIONS, _CREATORS, _CHECKSUMS),
    _TRIALS,
)
"""MIGRATIONS[n] leads from version n to n + 1."""

_TEXT_TYPES = {"sqlite": "TEXT", "postgresql": 'TEXT COLLATE "C"'}


def upgrade(writer: Engine, migrations: tuple[tuple[str, ...], ...] = MIGRATIONS) -> None:
    """Upgrades the database to the newest version, in one transaction. Raises InputError for a database of a newer Naiad."""
    with writer.begin() as connection:
        current = _current_version(connection)
        if current > len(migrations):
            raise InputError(
                f"database {writer.url.render_as_string()} has version {current}; this naiad reads up to {len(migrations)}",
                hint="upgrade naiad, or give another state folder",
            )
        for migration in migrations[current:]:
            _run(connection, migration)
        if current < len(migrations):
            connection.execute(update(version).values(version=len(migrations)))


def _current_version(connection: Connection) -> int:
    if inspect(connection).has_table(version.name):
        return int(connection.execute(select(version.c.version)).scalar_one())
    connection.execute(text(f"CREATE TABLE {version.name} (version INTEGER NOT NULL)"))
    connection.execute(insert(version).values(version=0))
    return 0


def _run(connection: Connection, migration: tuple[str, ...]) -> None:
    text_type = _TEXT_TYPES[connection.dialect.name]
    for statement in migration:
        connection.execute(text(statement.format(text=text_type)))
