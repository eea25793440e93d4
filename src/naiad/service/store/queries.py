"""A JobQuery as SQL.

Where one filter leaves few jobs, they are found by that filter's index and then sorted. Where every filter leaves many, going
through the jobs in the order that was asked for meets a page of them soon. So no page reads all rows of a large table.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, func, literal, select

from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Status
from naiad.service.store.paging import behind, order
from naiad.service.store.port import JobQuery
from naiad.service.store.records import micros
from naiad.service.store.schema import jobs, tags

UNFINISHED = tuple(status.value for status in Status if not status.is_final)

_FEW = 500
_KEPT = (
    *(jobs.c.kind, jobs.c.name, jobs.c.arn, jobs.c.status, jobs.c.attempt),
    *(jobs.c.created_us, jobs.c.modified_us, jobs.c.failure_reason),
)

_Position = Callable[..., ColumnElement[int]]
_Place = Callable[[Sequence[str]], ColumnElement[bool]]


def page(connection: Connection, query: JobQuery) -> Select[Any]:
    """One job more than the limit, which tells whether there is a next page."""
    position = func.instr if connection.dialect.name == "sqlite" else func.strpos
    few = _few(connection, query, position)
    source = jobs if few is None else few
    conditions = [source.c.kind == query.kind.value, *_filters(query, source, position)]
    if query.tag is not None:
        conditions.append(_is_tagged(source, *query.tag))
    if query.after is not None:
        conditions.append(behind(query, query.after, source))
    # The inner select is answered from an index alone; the outer one reads the rows of the page.
    keys = select(source.c.kind, source.c.name).where(*conditions)
    found = keys.order_by(*order(query, source)).limit(query.limit + 1).subquery()
    same = and_(jobs.c.kind == found.c.kind, jobs.c.name == found.c.name)
    return select(jobs).select_from(found.join(jobs, same)).order_by(*order(query, jobs))


def unfinished() -> Select[Any]:
    kinds = tuple(kind.value for kind in JobKind)  # named, so that the index by kind and status serves
    asked = select(jobs).where(jobs.c.kind.in_(kinds), jobs.c.status.in_(UNFINISHED))
    return asked.order_by(jobs.c.created_us, jobs.c.name, jobs.c.kind)


def _filters(query: JobQuery, source: FromClause, position: _Position) -> Iterator[ColumnElement[bool]]:
    """On the columns of ``source``. Those that may have to read all rows are last."""
    if query.status is not None:
        yield source.c.status == query.status.value
    yield from between(source.c.created_us, query.created_after, query.created_before)
    yield from between(source.c.modified_us, query.modified_after, query.modified_before)
    if query.name_contains is not None:
        # LIKE would not do: SQLite's takes A for a, PostgreSQL's does not.
        yield position(source.c.name, query.name_contains) > 0
    if query.failure_contains is not None:
        yield source.c.failure_reason.is_not(None)
        if query.failure_contains:
            yield position(source.c.failure_reason, json.dumps(query.failure_contains)[1:-1]) > 0
    if query.has_started is not None:
        yield source.c.attempt > 0 if query.has_started else source.c.attempt == 0


def between(
    column: ColumnElement[int], after: dt.datetime | None, before: dt.datetime | None
) -> Iterator[ColumnElement[bool]]:
    """One condition, or none."""
    bounds = [] if after is None else [column >= micros(after)]
    bounds += [] if before is None else [column <= micros(before)]
    if bounds:
        yield and_(*bounds)


def _has_tag(key: str, value: str | None) -> ColumnElement[bool]:
    return and_(tags.c.key == key, *([] if value is None else [tags.c.value == value]))


def _is_tagged(source: FromClause, key: str, value: str | None) -> ColumnElement[bool]:
    """Not by EXISTS, which PostgreSQL makes a join of all tags: here each job is looked up as it comes."""
    found = select(literal(1)).where(_has_tag(key, value), tags.c.arn == source.c.arn)
    return found.scalar_subquery().is_not(None)


def _few(connection: Connection, query: JobQuery, position: _Position) -> FromClause | None:
    """The jobs that the first selective filter leaves, as a table apart: the database is not to sort by going through all."""
    for place, probe in _probes(query, position):
        values = connection.scalars(probe.limit(_FEW + 1)).all()
        if len(values) <= _FEW:
            return select(*_KEPT).where(place(values)).cte("few").prefix_with("MATERIALIZED")
    return None


def _probes(query: JobQuery, position: _Position) -> Iterator[tuple[_Place, Select[str]]]:
    """For each filter: the values that its index has, and the condition by which jobs are found from such values."""
    if query.tag is not None:
        yield jobs.c.arn.in_, select(tags.c.arn).where(_has_tag(*query.tag))
    of_kind = jobs.c.kind == query.kind.value
    for passes in _filters(query, jobs, position):
        yield lambda names: of_kind & jobs.c.name.in_(names), select(jobs.c.name).where(of_kind, passes)
