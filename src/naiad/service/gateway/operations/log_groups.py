"""Where a log group's streams are: three groups of jobs, and a group for each endpoint."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from naiad.service.contract.log_stream import LogStream
from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import Invalid, NotFound
from naiad.service.domain.job import Job, JobKind
from naiad.service.endpoints.serving.log_streams import list_log_streams
from naiad.service.gateway.operation import Context
from naiad.service.gateway.operations.job_cursor import JobCursor, iterate_jobs
from naiad.service.jobs.log_streams import LOG_GROUPS, log_streams_of
from naiad.service.store.entity_port import EntityQuery
from naiad.service.store.port import JobQuery

OF_ENDPOINTS = "/aws/sagemaker/Endpoints/"


@dataclass(frozen=True)
class Order:
    prefix: str = ""
    """Of the streams' names."""
    by_time: bool = False
    descending: bool = False


class Group(Protocol):
    def streams(self, order: Order, cursor: JobCursor) -> Iterator[tuple[LogStream, JobCursor]]:
        """With where to go on behind each."""

    def stream(self, name: str) -> LogStream:
        """Raises NotFound."""


def group_of(context: Context, name: str) -> Group:
    """Raises NotFound for a group that is not one of ours."""
    if name in LOG_GROUPS:
        return _OfJobs(context, LOG_GROUPS[name])
    if name.startswith(OF_ENDPOINTS):
        return _OfEndpoint(context, context.endpoints.describe(name.removeprefix(OF_ENDPOINTS)).name)
    raise NotFound("the specified log group does not exist")


def group_names(context: Context) -> list[str]:
    """Those of jobs, and of all endpoints."""
    names = list(LOG_GROUPS)
    query = EntityQuery(kind=EntityKind.ENDPOINT, sort_by="name")
    while True:
        page = context.endpoints.find(query)
        names += [OF_ENDPOINTS + entity.name for entity in page.entities]
        if page.next_token is None:
            return names
        query = replace(query, next_token=page.next_token)


@dataclass(frozen=True)
class _OfJobs:
    context: Context
    kind: JobKind

    def streams(self, order: Order, cursor: JobCursor) -> Iterator[tuple[LogStream, JobCursor]]:
        query = JobQuery(
            self.kind,
            has_started=True,
            name_contains=order.prefix.partition("/")[0] or None,
            sort_by="modified_at" if order.by_time else "name",
            descending=order.descending,
        )

        def of_job(job: Job) -> list[LogStream]:
            streams = log_streams_of(self.context.jobs.state_folder, job)
            ordered = reversed(streams) if order.descending else streams
            return [stream for stream in ordered if stream.name.startswith(order.prefix)]

        return iterate_jobs(self.context.store, query, cursor, of_job)

    def stream(self, name: str) -> LogStream:
        try:
            job = self.context.jobs.describe(self.kind, name.partition("/")[0])
        except NotFound:
            raise _no_stream() from None
        return _named(name, log_streams_of(self.context.jobs.state_folder, job))


@dataclass(frozen=True)
class _OfEndpoint:
    context: Context
    endpoint: str

    def streams(self, order: Order, cursor: JobCursor) -> Iterator[tuple[LogStream, JobCursor]]:
        if cursor.page_token is not None:
            raise Invalid("the next token was not given by this service; begin without one")
        streams = [stream for stream in self._all() if stream.name.startswith(order.prefix)]
        if order.by_time:
            streams.sort(key=lambda stream: stream.files[-1].stat().st_mtime_ns)
        if order.descending:
            streams.reverse()
        for index in range(cursor.offset, len(streams)):
            yield streams[index], JobCursor(index + 1)

    def stream(self, name: str) -> LogStream:
        return _named(name, self._all())

    def _all(self) -> list[LogStream]:
        return list_log_streams(self.context.jobs.state_folder, self.endpoint)


def _named(name: str, streams: list[LogStream]) -> LogStream:
    for stream in streams:
        if stream.name == name:
            return stream
    raise _no_stream()


def _no_stream() -> NotFound:
    return NotFound("the specified log stream does not exist")
