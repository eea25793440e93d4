"""Orders and tokens. A page starts after the place of the last job of the page before, so jobs that come in between neither
repeat nor hide others. A token holds that place and a digest of the query that it belongs to.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, replace
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, literal, tuple_

from naiad.service.domain.errors import Invalid
from naiad.service.store.entities_port import EntityQuery
from naiad.service.store.port import JobQuery
from naiad.service.store.schema import jobs

_SORTS: Mapping[str, tuple[str, ...]] = {
    "name": ("name",),
    "created_at": ("created_us", "name"),
    "modified_at": ("modified_us", "name"),
    "status": ("status", "created_us", "name"),
}
"""The columns that a sort goes by; the last is the name, so that no two jobs are equal."""

_LONGEST_TOKEN = 4096
_LARGEST_INTEGER = (1 << 63) - 1


def order(query: JobQuery | EntityQuery, source: FromClause) -> list[ColumnElement[Any]]:
    columns = [source.c[name] for name in _SORTS[query.sort_by]]
    return [column.desc() if query.descending else column.asc() for column in columns]


def behind(query: JobQuery | EntityQuery, token: str, source: FromClause) -> ColumnElement[bool]:
    """The condition that a job comes after the place in the token. Raises Invalid for a token that this query did not give."""
    place = _place(query, token)
    columns = [source.c[name] for name in _SORTS[query.sort_by]]
    key = tuple_(*columns)
    start = tuple_(*(literal(value, column.type) for value, column in zip(place, columns, strict=True)))
    return key < start if query.descending else key > start


def token_of(query: JobQuery | EntityQuery, last_row: Mapping[Any, Any]) -> str:
    """The next_token of a page of ``query`` that ends with ``last_row``."""
    place = [last_row[name] for name in _SORTS[query.sort_by]]
    text = json.dumps([_digest(query), *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def _place(query: JobQuery | EntityQuery, token: str) -> list[Any]:
    digest, place = _read(token)
    columns = [jobs.c[name] for name in _SORTS[query.sort_by]]
    if digest != _digest(query) or len(place) != len(columns) or not all(map(_can_hold, columns, place)):
        raise Invalid(
            "the next token belongs to another request: give each page's token with the same filters and order"
        )
    return place


def _can_hold(column: Column[Any], value: object) -> bool:
    fits = not isinstance(value, int) or abs(value) <= _LARGEST_INTEGER
    return fits and type(value) is column.type.python_type


def _read(token: str) -> tuple[Any, list[Any]]:
    try:
        digest, *place = json.loads(base64.b64decode(token[:_LONGEST_TOKEN], altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise Invalid(f"the next token is not one of this service: {token[:50]!a}") from error
    return digest, place


def _digest(query: JobQuery | EntityQuery) -> str:
    """Of everything that makes the order of the jobs; not of the size of a page, which may change on the way."""
    asked = astuple(replace(query, after=None, limit=1))
    return hashlib.sha256(repr([str(part) for part in asked]).encode("utf-8", "surrogatepass")).hexdigest()[:24]
