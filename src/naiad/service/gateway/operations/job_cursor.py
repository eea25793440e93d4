"""A cursor over what many jobs hold (their log streams, their metrics), for lists that are not pages of the store."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import Job
from naiad.service.store.port import JobQuery, Store

_PAGE_SIZE = 50
_T = TypeVar("_T")


@dataclass(frozen=True)
class JobCursor:
    """A position in a list. Its text is the next token that a client gets."""

    offset: int = 0
    """The number of items to skip on the page."""
    page_token: str | None = None
    """The token of the store's page; None for the first page."""

    def __str__(self) -> str:
        return f"{self.offset}.{self.page_token or ''}"


def parse_cursor(token: str | None) -> JobCursor:
    """Raises Invalid for a text that is not a cursor."""
    if token is None:
        return JobCursor()
    offset, dot, page_token = token.partition(".")
    if not dot or not offset.isascii() or not offset.isdigit() or len(offset) > 9:
        raise Invalid(f"the next token {token[:80]!r} was not given by this service; begin without one")
    return JobCursor(int(offset), page_token or None)


def iterate_jobs(
    store: Store, query: JobQuery, cursor: JobCursor, items_of: Callable[[Job], Iterable[_T]]
) -> Iterator[tuple[_T, JobCursor]]:
    """Yields (item, the cursor behind it) for all items of the jobs of the query. Reads a page of jobs at a time."""
    while True:
        page = store.find(replace(query, limit=_PAGE_SIZE, next_token=cursor.page_token))
        items = [item for job in page.jobs for item in items_of(job)]
        for index in range(cursor.offset, len(items)):
            yield items[index], JobCursor(index + 1, cursor.page_token)
        if page.next_token is None:
            return
        cursor = JobCursor(0, page.next_token)
