"""The order of a query's rows, and the tokens of its pages.

A page starts after the position of the last row of the page before, so rows that are added between two pages neither repeat nor
hide others. A token holds that position and a digest of the query that it belongs to.
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
from naiad.service.store.entity_port import EntityQuery
from naiad.service.store.port import JobQuery
from naiad.service.store.schema import jobs

_SORT_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "name": ("name",),
    "created_at": ("created_us", "name"),
    "modified_at": ("modified_us", "name"),
    "status": ("status", "created_us", "name"),
}
"""The columns of each order. The last one is the name, so that no two rows are equal."""

_MAX_TOKEN_LENGTH = 4096
_MAX_INTEGER = (1 << 63) - 1


def order_by(query: JobQuery | EntityQuery, source: FromClause) -> list[ColumnElement[Any]]:
    columns = [source.c[name] for name in _SORT_COLUMNS[query.sort_by]]
    return [column.desc() if query.descending else column.asc() for column in columns]


def is_after_token(query: JobQuery | EntityQuery, token: str, source: FromClause) -> ColumnElement[bool]:
    """Returns the condition that a row comes after the token's position. Raises Invalid for a token of another query."""
    position = _position(query, token)
    columns = [source.c[name] for name in _SORT_COLUMNS[query.sort_by]]
    key = tuple_(*columns)
    last = tuple_(*(literal(value, column.type) for value, column in zip(position, columns, strict=True)))
    return key < last if query.descending else key > last


def make_token(query: JobQuery | EntityQuery, last_row: Mapping[Any, Any]) -> str:
    """Returns the next_token of a page of ``query`` that ends with ``last_row``."""
    position = [last_row[name] for name in _SORT_COLUMNS[query.sort_by]]
    text = json.dumps([_digest(query), *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def _position(query: JobQuery | EntityQuery, token: str) -> list[Any]:
    digest, position = _decode(token)
    columns = [jobs.c[name] for name in _SORT_COLUMNS[query.sort_by]]
    is_of_query = digest == _digest(query) and len(position) == len(columns)
    if not is_of_query or not all(map(_can_hold, columns, position)):
        raise Invalid(
            "the next token belongs to another request: give each page's token with the same filters and order"
        )
    return position


def _can_hold(column: Column[Any], value: object) -> bool:
    is_in_range = not isinstance(value, int) or abs(value) <= _MAX_INTEGER
    return is_in_range and type(value) is column.type.python_type


def _decode(token: str) -> tuple[Any, list[Any]]:
    try:
        digest, *position = json.loads(base64.b64decode(token[:_MAX_TOKEN_LENGTH], altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise Invalid(f"the next token is not one of this service: {token[:50]!a}") from error
    return digest, position


def _digest(query: JobQuery | EntityQuery) -> str:
    """Covers all that decides the order of the rows. The size of a page is left out: it may change from page to page."""
    values = astuple(replace(query, next_token=None, limit=1))
    return hashlib.sha256(repr([str(value) for value in values]).encode("utf-8", "surrogatepass")).hexdigest()[:24]
