"""Log groups: three for the kinds of jobs, and one for each endpoint; each with its streams."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from naiad.service.contract.log_stream import LogStream
from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import Invalid, NotFound
from naiad.service.domain.job import Job, JobKind
from naiad.service.endpoints.control.service import EndpointService
from naiad.service.endpoints.serving.log_streams import list_log_streams
from naiad.service.gateway.operation import Shape
from naiad.service.gateway.operations.job_cursor import JobCursor, iterate_jobs
from naiad.service.jobs.log_streams import LOG_GROUPS, log_streams_of
from naiad.service.jobs.service import JobService
from naiad.service.store.entity_port import EntityQuery
from naiad.service.store.port import JobQuery

_ENDPOINT_PREFIX = "/aws/sagemaker/Endpoints/"


@dataclass(frozen=True)
class StreamQuery:
    name_prefix: str = ""
    by_time: bool = False
    """Sorts by the time of the last event; otherwise by name."""
    descending: bool = False


class LogGroup(Protocol):
    def streams(self, query: StreamQuery, cursor: JobCursor) -> Iterator[tuple[LogStream, JobCursor]]:
        """Yields (stream, the cursor after it), from ``cursor`` on."""

    def stream(self, name: str) -> LogStream:
        """Raises NotFound."""


def requested_group_name(request: Shape) -> str:
    """Raises Invalid where the request names no group."""
    identifier = request.get("logGroupIdentifier", "").rpartition("log-group:")[2].removesuffix(":*")
    name = request.get("logGroupName") or identifier
    if not name:
        raise Invalid("logGroupName is missing")
    return str(name)


def open_log_group(jobs: JobService, endpoints: EndpointService, name: str) -> LogGroup:
    """Raises NotFound for a group that is not one of ours."""
    if name in LOG_GROUPS:
        return _JobLogGroup(jobs, LOG_GROUPS[name])
    if name.startswith(_ENDPOINT_PREFIX):
        endpoint = endpoints.describe(name.removeprefix(_ENDPOINT_PREFIX)).name
        return _EndpointLogGroup(jobs, endpoint)
    raise NotFound("the specified log group does not exist")


def log_group_names(endpoints: EndpointService) -> list[str]:
    names = list(LOG_GROUPS)
    query = EntityQuery(kind=EntityKind.ENDPOINT, sort_by="name")
    while True:
        page = endpoints.find(query)
        names += [_ENDPOINT_PREFIX + entity.name for entity in page.entities]
        if page.next_token is None:
            return names
        query = replace(query, next_token=page.next_token)


@dataclass(frozen=True)
class _JobLogGroup:
    jobs: JobService
    kind: JobKind

    def streams(self, query: StreamQuery, cursor: JobCursor) -> Iterator[tuple[LogStream, JobCursor]]:
        job_query = JobQuery(
            self.kind,
            has_started=True,
            name_contains=query.name_prefix.partition("/")[0] or None,
            sort_by="modified_at" if query.by_time else "name",
            descending=query.descending,
        )

        def streams_of_job(job: Job) -> list[LogStream]:
            streams = log_streams_of(self.jobs.state_folder, job)
            ordered = reversed(streams) if query.descending else streams
            return [stream for stream in ordered if stream.name.startswith(query.name_prefix)]

        return iterate_jobs(self.jobs.store, job_query, cursor, streams_of_job)

    def stream(self, name: str) -> LogStream:
        try:
            job = self.jobs.describe(self.kind, name.partition("/")[0])
        except NotFound:
            raise _no_such_stream() from None
        return _find_stream(name, log_streams_of(self.jobs.state_folder, job))


@dataclass(frozen=True)
class _EndpointLogGroup:
    jobs: JobService
    endpoint: str

    def streams(self, query: StreamQuery, cursor: JobCursor) -> Iterator[tuple[LogStream, JobCursor]]:
        if cursor.page_token is not None:
            raise Invalid("the next token was not given by this service; begin without one")
        streams = [stream for stream in self._all_streams() if stream.name.startswith(query.name_prefix)]
        if query.by_time:
            streams.sort(key=lambda stream: stream.files[-1].stat().st_mtime_ns)
        if query.descending:
            streams.reverse()
        for index in range(cursor.offset, len(streams)):
            yield streams[index], JobCursor(index + 1)

    def stream(self, name: str) -> LogStream:
        return _find_stream(name, self._all_streams())

    def _all_streams(self) -> list[LogStream]:
        return list_log_streams(self.jobs.state_folder, self.endpoint)


def _find_stream(name: str, streams: list[LogStream]) -> LogStream:
    for stream in streams:
        if stream.name == name:
            return stream
    raise _no_such_stream()


def _no_such_stream() -> NotFound:
    return NotFound("the specified log stream does not exist")
