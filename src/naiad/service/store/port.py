"""The port of the store: jobs and tags, which outlive the server. One contract suite runs on every adapter.

Contract: the change of a method that returned is on disk; a kill -9 or a loss of power later does not undo it. A method that
raised has changed nothing. Threads of one process may use a store at once; two servers never share one.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from naiad.service.domain.job import Job, JobKind
from naiad.service.domain.status import Status


@dataclass(frozen=True)
class JobQuery:
    """Filters, an order and a page. Filters are joined by "and"; None does not filter. Times are inclusive and in UTC."""

    kind: JobKind
    status: Status | None = None
    name_contains: str | None = None
    created_after: dt.datetime | None = None
    created_before: dt.datetime | None = None
    modified_after: dt.datetime | None = None
    modified_before: dt.datetime | None = None
    tag: tuple[str, str | None] | None = None
    """(key, value); None as the value matches every value."""
    failure_contains: str | None = None
    """A text in the failure reason; "" matches every failure reason. The caller must check the jobs that come back: one whose
    reason has the text only in the escape of a letter may be among them.
    """
    has_started: bool | None = None
    sort_by: Literal["name", "created_at", "modified_at", "status"] = "created_at"
    descending: bool = False
    limit: int = 100
    next_token: str | None = None
    """The ``next_token`` of the page before; None for the first page."""


@dataclass(frozen=True)
class JobPage:
    jobs: tuple[Job, ...]
    next_token: str | None
    """Token of the page that follows, or None. Jobs that are added meanwhile neither repeat nor hide others."""


class Store(Protocol):
    def add(self, job: Job, tags: Mapping[str, str]) -> None:
        """Raises AlreadyExists when a job of this kind has the name."""

    def get(self, kind: JobKind, name: str) -> Job:
        """Returns a snapshot: later writes do not change it. Raises NotFound."""

    def update(self, job: Job, *, before: Job) -> None:
        """Replaces ``before`` by ``job``. Raises Conflict when the stored job is no longer ``before`` (by modified_at, phase
        and attempt), NotFound when it was deleted.
        """

    def delete(self, job: Job) -> None:
        """Deletes the job and its tags; its name is free again. Raises NotFound when it was deleted already, even if there is a
        new job of that name; Conflict when it is not in a final status.
        """

    def find(self, query: JobQuery) -> JobPage:
        """Raises Invalid for a token that does not come from this query."""

    def unfinished_jobs(self) -> tuple[Job, ...]:
        """Returns every job that is not in a final status, in the order of creation."""

    def find_by_access_key(self, access_key: str) -> Job | None:
        """Returns the job whose program was given the key; None when there is none or it has ended."""

    def tags(self, arn: str) -> dict[str, str]:
        """Returns the tags by key; an empty dict where there are none."""

    def set_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        """Adds tags; replaces those of the same keys."""

    def remove_tags(self, arn: str, keys: Sequence[str]) -> None:
        """Ignores keys that are not there."""

    def close(self) -> None: ...
