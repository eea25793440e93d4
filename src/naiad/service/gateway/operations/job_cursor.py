"""Goes through many jobs with a cursor that a client can hold: for answers that are no page of the store."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import Job
from naiad.service.store.port import JobQuery, Store

_PAGE = 50
_T = TypeVar("_T")


@dataclass(frozen=True)
class Cursor:
    """Behind the first ``passed`` things of the store's page ``after``."""

    passed: int = 0
    after: str | None = None

    def __str__(self) -> str:
        return f"{self.passed}.{self.after or ''}"


def parse_cursor(token: str | None) -> Cursor:
    """Raises Invalid for a text that is no cursor."""
    if token is None:
        return Cursor()
    passed, dot, after = token.partition(".")
    if not dot or not passed.isascii() or not passed.isdigit() or len(passed) > 9:
        raise Invalid(f"the next token {token[:80]!r} was not given by this service; begin without one")
    return Cursor(int(passed), after or None)


def walk(
    store: Store, query: JobQuery, cursor: Cursor, things_of: Callable[[Job], Iterable[_T]]
) -> Iterator[tuple[_T, Cursor]]:
    """(thing, where to go on behind it), over the jobs of the query. Reads a page of jobs at a time."""
    while True:
        page = store.find(replace(query, limit=_PAGE, next_token=cursor.after))
        things = [thing for job in page.jobs for thing in things_of(job)]
        for index in range(cursor.passed, len(things)):
            yield things[index], Cursor(index + 1, cursor.after)
        if page.next_token is None:
            return
        cursor = Cursor(0, page.next_token)
