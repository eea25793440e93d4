"""The store on a SQL database; ``port.py`` has its contract."""

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from naiad.service.domain.errors import AlreadyExists, Conflict, NotFound
from naiad.service.domain.job import Job, JobKind
from naiad.service.store import queries
from naiad.service.store.database import Database
from naiad.service.store.engines import Engines
from naiad.service.store.job_rows import job_from_row, job_to_row
from naiad.service.store.paging import make_token
from naiad.service.store.port import JobPage, JobQuery
from naiad.service.store.row_checksum import undamaged
from naiad.service.store.schema import jobs, tags
from naiad.service.store.sql_associations import SqlAssociationStore
from naiad.service.store.sql_entities import SqlEntityStore
from naiad.service.store.sql_trials import SqlTrialStore
from naiad.service.store.tags import put_tags
from naiad.service.store.timestamps import to_epoch_us


class SqlStore:
    def __init__(self, engines: Engines, on_full: Callable[[], object] = lambda: None) -> None:
        """``on_full``: see ``Database``."""
        self._database = Database(engines, on_full)
        self.entities = SqlEntityStore(self._database)
        self.associations = SqlAssociationStore(self._database)
        self.trials = SqlTrialStore(self._database)

    def add(self, job: Job, tags: Mapping[str, str]) -> None:
        row = job_to_row(job)
        with self._database.begin() as connection:
            try:
                connection.execute(insert(jobs).values(row))
            except IntegrityError as error:
                raise _name_taken(job) from error
            put_tags(connection, job.arn, tags)

    def get(self, kind: JobKind, name: str) -> Job:
        with self._database.connect() as connection:
            row = connection.execute(select(jobs).where(_has_name(kind, name))).mappings().one_or_none()
        if row is None:
            raise _not_found(kind, name)
        return job_from_row(row)

    def update(self, job: Job, *, before: Job) -> None:
        assert (job.kind, job.name) == (before.kind, before.name)
        row = job_to_row(job)
        with self._database.begin() as connection:
            if connection.execute(update(jobs).where(_is_unchanged(before)).values(row)).rowcount == 0:
                raise _update_error(connection, before)

    def delete(self, job: Job) -> None:
        is_same = _has_name(job.kind, job.name) & (jobs.c.created_us == to_epoch_us(job.created_at))
        is_final = jobs.c.status.not_in(queries.UNFINISHED_STATUSES)
        with self._database.begin() as connection:
            if connection.execute(delete(jobs).where(is_same, is_final)).rowcount == 0:
                raise _deletion_error(connection, job, is_same)
            connection.execute(delete(tags).where(tags.c.arn == job.arn))

    def find(self, query: JobQuery) -> JobPage:
        assert query.limit > 0
        with self._database.connect() as connection:
            rows = connection.execute(queries.select_page(connection, query)).mappings().all()
        return _make_page(rows, query)

    def unfinished_jobs(self) -> tuple[Job, ...]:
        with self._database.connect() as connection:
            rows = connection.execute(queries.select_unfinished()).mappings().all()
        return tuple(undamaged(rows, job_from_row))

    def find_by_access_key(self, access_key: str) -> Job | None:
        if not access_key:
            return None
        is_unfinished = jobs.c.status.in_(queries.UNFINISHED_STATUSES)
        statement = select(jobs).where(jobs.c.access_key == access_key, is_unfinished)
        with self._database.connect() as connection:
            row = connection.execute(statement).mappings().one_or_none()
        return None if row is None else job_from_row(row)

    def tags(self, arn: str) -> dict[str, str]:
        statement = select(tags.c.key, tags.c.value).where(tags.c.arn == arn).order_by(tags.c.key)
        with self._database.connect() as connection:
            return {row.key: row.value for row in connection.execute(statement)}

    def set_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        with self._database.begin() as connection:
            put_tags(connection, arn, tags)

    def remove_tags(self, arn: str, keys: Sequence[str]) -> None:
        with self._database.begin() as connection:
            connection.execute(delete(tags).where(tags.c.arn == arn, tags.c.key.in_(keys)))

    def close(self) -> None:
        self._database.close()


def _has_name(kind: JobKind, name: str) -> ColumnElement[bool]:
    return (jobs.c.kind == kind.value) & (jobs.c.name == name)


def _is_unchanged(before: Job) -> ColumnElement[bool]:
    return and_(
        _has_name(before.kind, before.name),
        jobs.c.modified_us == to_epoch_us(before.modified_at),
        jobs.c.phase == before.phase.value,
        jobs.c.attempt == before.attempt,
    )


def _update_error(connection: Connection, before: Job) -> Conflict | NotFound:
    if not connection.execute(select(exists().where(_has_name(before.kind, before.name)))).scalar_one():
        return _not_found(before.kind, before.name)
    return Conflict(f"{before.kind} {before.name} was changed since it was read; read it again")


def _deletion_error(connection: Connection, job: Job, is_same: ColumnElement[bool]) -> Conflict | NotFound:
    if not connection.execute(select(exists().where(is_same))).scalar_one():
        return _not_found(job.kind, job.name)
    return Conflict(f"{job.kind} {job.name} has not ended; stop it first")


def _not_found(kind: JobKind, name: str) -> NotFound:
    return NotFound(f"no {kind} of the name {name}")


def _name_taken(job: Job) -> AlreadyExists:
    """Returns the error in AWS's sentence, in which clients look for "already exists"."""
    noun = job.kind.replace("-", " ")
    unique = f"{noun.capitalize()} names must be unique within an AWS account and region"
    return AlreadyExists(f"{unique}, and a {noun} with this name already exists ({job.arn}); choose another name")


def _make_page(rows: Sequence[RowMapping], query: JobQuery) -> JobPage:
    """``rows``: at most one more than the query's limit."""
    on_page = rows[: query.limit]
    token = make_token(query, on_page[-1]) if len(rows) > query.limit else None
    return JobPage(tuple(undamaged(on_page, job_from_row)), token)
