"""A JobQuery as SQL.

Where one filter matches few jobs, they are found by that filter's index and then sorted. Where every filter matches many, a walk
through the jobs in the requested order soon meets a page of them. Thus no page reads all rows of a large table.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, func, literal, select

from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Status
from naiad.service.store.paging import is_after_token, order_by
from naiad.service.store.port import JobQuery
from naiad.service.store.schema import jobs, tags
from naiad.service.store.timestamps import to_epoch_us

UNFINISHED_STATUSES = tuple(status.value for status in Status if not status.is_final)

_MAX_SELECTIVE_ROWS = 500
"""A filter that matches at most so many jobs is selective."""
_FILTER_COLUMNS = (
    *(jobs.c.kind, jobs.c.name, jobs.c.arn, jobs.c.status, jobs.c.attempt),
    *(jobs.c.created_us, jobs.c.modified_us, jobs.c.failure_reason),
)

_PositionFunction = Callable[..., ColumnElement[int]]
_MatchesAny = Callable[[Sequence[str]], ColumnElement[bool]]


def select_page(connection: Connection, query: JobQuery) -> Select[Any]:
    """Selects one job more than the limit, so that the caller sees whether there is a next page."""
    position = func.instr if connection.dialect.name == "sqlite" else func.strpos
    matches = _selective_matches(connection, query, position)
    source = jobs if matches is None else matches
    conditions = [source.c.kind == query.kind.value, *_filters(query, source, position)]
    if query.tag is not None:
        conditions.append(_is_tagged(source, *query.tag))
    if query.next_token is not None:
        conditions.append(is_after_token(query, query.next_token, source))
    # The inner select is answered from an index alone; the outer one reads the rows of the page.
    keys = select(source.c.kind, source.c.name).where(*conditions)
    page = keys.order_by(*order_by(query, source)).limit(query.limit + 1).subquery()
    is_same = and_(jobs.c.kind == page.c.kind, jobs.c.name == page.c.name)
    return select(jobs).select_from(page.join(jobs, is_same)).order_by(*order_by(query, jobs))


def select_unfinished() -> Select[Any]:
    kinds = tuple(kind.value for kind in JobKind)  # named, so that the index by kind and status is used
    statement = select(jobs).where(jobs.c.kind.in_(kinds), jobs.c.status.in_(UNFINISHED_STATUSES))
    return statement.order_by(jobs.c.created_us, jobs.c.name, jobs.c.kind)


def time_range(
    column: ColumnElement[int], after: dt.datetime | None, before: dt.datetime | None
) -> Iterator[ColumnElement[bool]]:
    """Yields one condition, or none without bounds."""
    bounds = [] if after is None else [column >= to_epoch_us(after)]
    bounds += [] if before is None else [column <= to_epoch_us(before)]
    if bounds:
        yield and_(*bounds)


def _filters(query: JobQuery, source: FromClause, position: _PositionFunction) -> Iterator[ColumnElement[bool]]:
    """Yields conditions on the columns of ``source``. Those that may have to read all rows come last."""
    if query.status is not None:
        yield source.c.status == query.status.value
    yield from time_range(source.c.created_us, query.created_after, query.created_before)
    yield from time_range(source.c.modified_us, query.modified_after, query.modified_before)
    if query.name_contains is not None:
        # Not LIKE: SQLite's ignores the case of letters, PostgreSQL's does not.
        yield position(source.c.name, query.name_contains) > 0
    if query.failure_contains is not None:
        yield source.c.failure_reason.is_not(None)
        if query.failure_contains:
            yield position(source.c.failure_reason, json.dumps(query.failure_contains)[1:-1]) > 0
    if query.has_started is not None:
        yield source.c.attempt > 0 if query.has_started else source.c.attempt == 0


def _has_tag(key: str, value: str | None) -> ColumnElement[bool]:
    return and_(tags.c.key == key, *([] if value is None else [tags.c.value == value]))


def _is_tagged(source: FromClause, key: str, value: str | None) -> ColumnElement[bool]:
    """Looks each job up as it comes. PostgreSQL would turn EXISTS into a join of all tags."""
    lookup = select(literal(1)).where(_has_tag(key, value), tags.c.arn == source.c.arn)
    return lookup.scalar_subquery().is_not(None)


def _selective_matches(connection: Connection, query: JobQuery, position: _PositionFunction) -> FromClause | None:
    """Returns the jobs that the first selective filter matches, as a table of their own; None without a selective filter.

    The table is materialized, so that the database does not sort by walking through all jobs.
    """
    for matches_any, statement in _filter_lookups(query, position):
        values = connection.scalars(statement.limit(_MAX_SELECTIVE_ROWS + 1)).all()
        if len(values) <= _MAX_SELECTIVE_ROWS:
            return select(*_FILTER_COLUMNS).where(matches_any(values)).cte("few").prefix_with("MATERIALIZED")
    return None


def _filter_lookups(query: JobQuery, position: _PositionFunction) -> Iterator[tuple[_MatchesAny, Select[str]]]:
    """Yields two things for each filter: the condition that finds jobs by a list of values, and the select of those values."""
    if query.tag is not None:
        yield jobs.c.arn.in_, select(tags.c.arn).where(_has_tag(*query.tag))
    is_of_kind = jobs.c.kind == query.kind.value
    for condition in _filters(query, jobs, position):
        yield lambda names: is_of_kind & jobs.c.name.in_(names), select(jobs.c.name).where(is_of_kind, condition)
