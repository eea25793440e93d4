"""The store on a SQL database; ``port.py`` has its contract."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from naiad.service.domain.errors import AlreadyExists, Conflict, NotFound
from naiad.service.domain.job import Job, JobKind
from naiad.service.store import queries
from naiad.service.store.engines import Engines
from naiad.service.store.entities import SqlEntities
from naiad.service.store.paging import token_of
from naiad.service.store.port import JobPage, JobQuery
from naiad.service.store.records import job_of, micros, row_of
from naiad.service.store.schema import jobs, tags
from naiad.service.store.sessions import Sessions
from naiad.service.store.tagging import put_tags


class SqlStore:
    def __init__(self, engines: Engines) -> None:
        self._sessions = Sessions(engines)
        self.entities = SqlEntities(self._sessions)

    def add(self, job: Job, tags: Mapping[str, str]) -> None:
        row = row_of(job)
        with self._sessions.writing() as connection:
            try:
                connection.execute(insert(jobs).values(row))
            except IntegrityError as error:
                raise AlreadyExists(f"{job.kind} {job.name} exists already; choose another name") from error
            put_tags(connection, job.arn, tags)

    def get(self, kind: JobKind, name: str) -> Job:
        with self._sessions.reading() as connection:
            row = connection.execute(select(jobs).where(_is(kind, name))).mappings().one_or_none()
        if row is None:
            raise _not_found(kind, name)
        return job_of(row)

    def update(self, job: Job, *, before: Job) -> None:
        assert (job.kind, job.name) == (before.kind, before.name)
        row = row_of(job)
        with self._sessions.writing() as connection:
            changed = connection.execute(update(jobs).where(*_still(before)).values(row))
            if changed.rowcount == 0:
                raise _why_not(connection, before)

    def delete(self, job: Job) -> None:
        same = _is(job.kind, job.name) & (jobs.c.created_us == micros(job.created_at))
        with self._sessions.writing() as connection:
            gone = connection.execute(delete(jobs).where(same, jobs.c.status.not_in(queries.UNFINISHED)))
            if gone.rowcount == 0:
                raise _why_not_deleted(connection, job, same)
            connection.execute(delete(tags).where(tags.c.arn == job.arn))

    def find(self, query: JobQuery) -> JobPage:
        assert query.limit > 0
        with self._sessions.reading() as connection:
            rows = connection.execute(queries.page(connection, query)).mappings().all()
        return _page_of(rows, query)

    def unfinished(self) -> tuple[Job, ...]:
        with self._sessions.reading() as connection:
            rows = connection.execute(queries.unfinished()).mappings().all()
        return tuple(job_of(row) for row in rows)

    def by_access_key(self, access_key: str) -> Job | None:
        if not access_key:
            return None
        asked = select(jobs).where(jobs.c.access_key == access_key, jobs.c.status.in_(queries.UNFINISHED))
        with self._sessions.reading() as connection:
            row = connection.execute(asked).mappings().one_or_none()
        return None if row is None else job_of(row)

    def tags(self, arn: str) -> dict[str, str]:
        asked = select(tags.c.key, tags.c.value).where(tags.c.arn == arn).order_by(tags.c.key)
        with self._sessions.reading() as connection:
            return {row.key: row.value for row in connection.execute(asked)}

    def set_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        with self._sessions.writing() as connection:
            put_tags(connection, arn, tags)

    def remove_tags(self, arn: str, keys: Sequence[str]) -> None:
        with self._sessions.writing() as connection:
            connection.execute(delete(tags).where(tags.c.arn == arn, tags.c.key.in_(keys)))

    def close(self) -> None:
        self._sessions.close()


def _is(kind: JobKind, name: str) -> Any:
    return (jobs.c.kind == kind.value) & (jobs.c.name == name)


def _still(before: Job) -> tuple[Any, ...]:
    return (
        _is(before.kind, before.name),
        jobs.c.modified_us == micros(before.modified_at),
        jobs.c.phase == before.phase.value,
        jobs.c.attempt == before.attempt,
    )


def _why_not(connection: Connection, before: Job) -> Conflict | NotFound:
    there = connection.execute(select(exists().where(_is(before.kind, before.name)))).scalar_one()
    if not there:
        return _not_found(before.kind, before.name)
    return Conflict(f"{before.kind} {before.name} was changed since it was read; read it again")


def _why_not_deleted(connection: Connection, job: Job, same: Any) -> Conflict | NotFound:
    if not connection.execute(select(exists().where(same))).scalar_one():
        return _not_found(job.kind, job.name)
    return Conflict(f"{job.kind} {job.name} has not ended; stop it first")


def _not_found(kind: JobKind, name: str) -> NotFound:
    return NotFound(f"no {kind} of the name {name}")


def _page_of(rows: Sequence[RowMapping], query: JobQuery) -> JobPage:
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return JobPage(tuple(job_of(row) for row in shown), token_of(query, shown[-1]) if more else None)
