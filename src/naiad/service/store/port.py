"""The port of the store: jobs and tags that outlive the server. One contract suite runs on every adapter.

Contract: a method that returned has its change on disk (a kill -9 or power cut later does not take it back); a method that
raised changed nothing. Safe for threads of one process; two servers never share one store.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from naiad.service.domain.job import Job, JobKind
from naiad.service.domain.status import Status


@dataclass(frozen=True)
class JobQuery:
    """Filters are joined by "and"; None does not filter. Times are inclusive and in UTC."""

    kind: JobKind
    status: Status | None = None
    name_contains: str | None = None
    created_after: dt.datetime | None = None
    created_before: dt.datetime | None = None
    modified_after: dt.datetime | None = None
    modified_before: dt.datetime | None = None
    tag: tuple[str, str | None] | None = None
    """(key, value); any value for None."""
    failure_contains: str | None = None
    """A part of the failure reason, "" where there is to be one. A reason in which only the escape of a letter looks like the
    part may come too: who needs to know looks again.
    """
    has_started: bool | None = None
    sort_by: Literal["name", "created_at", "modified_at", "status"] = "created_at"
    descending: bool = False
    limit: int = 100
    after: str | None = None
    """``next_token`` of the page before."""


@dataclass(frozen=True)
class JobPage:
    jobs: tuple[Job, ...]
    next_token: str | None
    """None on the last page. Jobs that are added meanwhile neither repeat nor hide others."""


class Store(Protocol):
    def add(self, job: Job, tags: Mapping[str, str]) -> None:
        """Raises AlreadyExists when a job of this kind has the name."""

    def get(self, kind: JobKind, name: str) -> Job:
        """A snapshot: later writes do not change it. Raises NotFound."""

    def update(self, job: Job, *, before: Job) -> None:
        """Puts ``job`` where ``before`` is. Raises Conflict when the stored one is no longer ``before`` (by modified_at, phase
        and attempt), NotFound when it is gone.
        """

    def delete(self, job: Job) -> None:
        """Forgets the job and its tags; the name is free again. Raises NotFound when it is gone, or is another one of that
        name by now, Conflict when it is not in a final status.
        """

    def find(self, query: JobQuery) -> JobPage:
        """Raises Invalid for a token that this query did not give."""

    def unfinished(self) -> tuple[Job, ...]:
        """Every job that is not in a final status, in the order of creation."""

    def by_access_key(self, access_key: str) -> Job | None:
        """The job whose program was given the key; None when there is none or it has ended."""

    def tags(self, arn: str) -> dict[str, str]:
        """Empty where nothing was tagged."""

    def set_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        """Adds to the tags, or replaces those of the same keys."""

    def remove_tags(self, arn: str, keys: Sequence[str]) -> None:
        """Keys that are not there are passed over."""

    def close(self) -> None: ...
