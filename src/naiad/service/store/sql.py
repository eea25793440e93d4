"""The store on a SQL database; ``port.py`` has its contract."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, exists, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from naiad.service.domain.errors import AlreadyExists, Conflict, NotFound
from naiad.service.domain.job import Job, JobKind
from naiad.service.store import queries
from naiad.service.store.engines import Engines
from naiad.service.store.faults import in_our_words
from naiad.service.store.paging import token_of
from naiad.service.store.port import JobPage, JobQuery
from naiad.service.store.records import job_of, micros, row_of
from naiad.service.store.schema import jobs, tags

_UPSERTS: Mapping[str, Callable[..., sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


class SqlStore:
    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def add(self, job: Job, tags: Mapping[str, str]) -> None:
        row = row_of(job)
        with self._writing() as connection:
            try:
                connection.execute(insert(jobs).values(row))
            except IntegrityError as error:
                raise AlreadyExists(f"{job.kind} {job.name} exists already; choose another name") from error
            _put_tags(connection, job.arn, tags)

    def get(self, kind: JobKind, name: str) -> Job:
        with self._reading() as connection:
            row = connection.execute(select(jobs).where(_is(kind, name))).mappings().one_or_none()
        if row is None:
            raise _not_found(kind, name)
        return job_of(row)

    def update(self, job: Job, *, before: Job) -> None:
        assert (job.kind, job.name) == (before.kind, before.name)
        row = row_of(job)
        with self._writing() as connection:
            changed = connection.execute(update(jobs).where(*_still(before)).values(row))
            if changed.rowcount == 0:
                raise _why_not(connection, before)

    def find(self, query: JobQuery) -> JobPage:
        assert query.limit > 0
        with self._reading() as connection:
            rows = connection.execute(queries.page(connection, query)).mappings().all()
        return _page_of(rows, query)

    def unfinished(self) -> tuple[Job, ...]:
        with self._reading() as connection:
            rows = connection.execute(queries.unfinished()).mappings().all()
        return tuple(job_of(row) for row in rows)

    def by_access_key(self, access_key: str) -> Job | None:
        if not access_key:
            return None
        asked = select(jobs).where(jobs.c.access_key == access_key, jobs.c.status.in_(queries.UNFINISHED))
        with self._reading() as connection:
            row = connection.execute(asked).mappings().one_or_none()
        return None if row is None else job_of(row)

    def tags(self, arn: str) -> dict[str, str]:
        asked = select(tags.c.key, tags.c.value).where(tags.c.arn == arn).order_by(tags.c.key)
        with self._reading() as connection:
            return {row.key: row.value for row in connection.execute(asked)}

    def set_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        with self._writing() as connection:
            _put_tags(connection, arn, tags)

    def remove_tags(self, arn: str, keys: Sequence[str]) -> None:
        with self._writing() as connection:
            connection.execute(delete(tags).where(tags.c.arn == arn, tags.c.key.in_(keys)))

    def close(self) -> None:
        self._engines.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        engines = self._engines
        with in_our_words(), engines.reader.connect() as connection, engines.gate.reading():
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        engines = self._engines
        with in_our_words(), engines.writer.connect() as connection, connection.begin() as transaction:
            yield connection
            with engines.gate.committing():
                transaction.commit()


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


def _not_found(kind: JobKind, name: str) -> NotFound:
    return NotFound(f"no {kind} of the name {name}")


def _put_tags(connection: Connection, arn: str, added: Mapping[str, str]) -> None:
    if not added:
        return
    upsert = _UPSERTS[connection.dialect.name](tags)
    upsert = upsert.on_conflict_do_update(index_elements=["arn", "key"], set_={"value": upsert.excluded.value})
    connection.execute(upsert, [{"arn": arn, "key": key, "value": value} for key, value in sorted(added.items())])


def _page_of(rows: Sequence[RowMapping], query: JobQuery) -> JobPage:
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return JobPage(tuple(job_of(row) for row in shown), token_of(query, shown[-1]) if more else None)
