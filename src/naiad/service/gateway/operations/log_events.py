"""Events of log streams, over the files that agents and replicas write. A token is a position in a stream."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from naiad.service.contract.log_file import LogPage
from naiad.service.contract.log_stream import LogStream, read_backward, read_forward, size_bytes
from naiad.service.domain.errors import Invalid
from naiad.service.endpoints.control.service import EndpointService
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.filter_pattern import compile_filter_pattern
from naiad.service.gateway.operations.job_cursor import JobCursor, parse_cursor
from naiad.service.gateway.operations.log_groups import LogGroup, StreamQuery, open_log_group, requested_group_name
from naiad.service.jobs.service import JobService

_EVENTS_PER_PAGE = 10_000
_BYTES_PER_PAGE = 1024 * 1024
_MAX_SCANNED_BYTES = 16 * 1024 * 1024
"""Limit of what one call reads; the next token reads on."""
_TOKEN = re.compile(r"([fb])/([0-9]{1,18})")


@dataclass(frozen=True)
class _TimeRange:
    start_ms: int
    end_ms: int

    def contains(self, time_ms: int) -> bool:
        return self.start_ms <= time_ms < self.end_ms


@operation("logs", "GetLogEvents")
def get_log_events(jobs: JobService, endpoints: EndpointService, request: Shape) -> Shape:
    """Returns the same token at the end of a stream: there is nothing more for now."""
    group = open_log_group(jobs, endpoints, requested_group_name(request))
    stream = group.stream(request["logStreamName"])
    forward, position = _start_position(request, stream)
    limit, times = request.get("limit", _EVENTS_PER_PAGE), _time_range(request)
    page = _read_page(stream, position, forward=forward, limit=limit, times=times)
    return {
        "events": [_event(time_ms, text) for time_ms, text in page.events],
        "nextForwardToken": f"f/{page.end:018d}",
        "nextBackwardToken": f"b/{page.start:018d}",
    }


@operation(
    "logs",
    "FilterLogEvents",
    not_served="patterns other than terms and quoted phrases",
)
def filter_log_events(jobs: JobService, endpoints: EndpointService, request: Shape) -> Shape:
    """Reads stream by stream, each in order of time. A page may be empty and have a next token, as in CloudWatch."""
    name = requested_group_name(request)
    passes, times = compile_filter_pattern(request.get("filterPattern", "")), _time_range(request)
    limit, names = request.get("limit", _EVENTS_PER_PAGE), request.get("logStreamNames")
    cursor, position = _parse_filter_token(request.get("nextToken"))
    group = open_log_group(jobs, endpoints, name)
    scan = _Scan(limit, lambda time_ms, text: times.contains(time_ms) and passes(text))
    for stream, next_cursor in _streams_to_filter(group, request, cursor):
        if names is None or stream.name in names:
            position = scan.read(stream, position)
            if scan.is_full:
                token = f"{position}@{cursor}"
                return {"events": scan.events, "searchedLogStreams": [], "nextToken": token}
        cursor, position = next_cursor, 0
    return {"events": scan.events, "searchedLogStreams": []}


class _Scan:
    """Events that pass, from one stream after the other, until there are enough or enough was read."""

    def __init__(self, limit: int, passes: Callable[[int, str], bool]) -> None:
        self._limit, self._passes = limit, passes
        self._scanned_bytes = 0
        self.events: list[Shape] = []

    @property
    def is_full(self) -> bool:
        return len(self.events) >= self._limit or self._scanned_bytes >= _MAX_SCANNED_BYTES

    def read(self, stream: LogStream, position: int) -> int:
        """Returns the position at which reading goes on: the end of the stream, unless the scan is full."""
        while not self.is_full:
            limit = min(self._limit - len(self.events), _EVENTS_PER_PAGE)
            page = read_forward(stream, start=position, limit_events=limit, limit_bytes=_BYTES_PER_PAGE)
            self.events += [
                {**_event(time_ms, text), "logStreamName": stream.name, "eventId": f"{stream.name}:{position}:{index}"}
                for index, (time_ms, text) in enumerate(page.events)
                if self._passes(time_ms, text)
            ]
            self._scanned_bytes += page.end - position
            if page.end == position:
                break
            position = page.end
        return position


def _time_range(request: Shape) -> _TimeRange:
    return _TimeRange(request.get("startTime", 0), request.get("endTime", 2**63))


def _start_position(request: Shape, stream: LogStream) -> tuple[bool, int]:
    """Returns (forward, position): what the token says, otherwise the head or the tail."""
    token = request.get("nextToken")
    if token is None:
        forward = request.get("startFromHead", False)
        return forward, 0 if forward else size_bytes(stream)
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise Invalid(f"the next token {token[:80]!r} was not given by this service; begin without one")
    return match[1] == "f", int(match[2])


def _read_page(stream: LogStream, position: int, *, forward: bool, limit: int, times: _TimeRange) -> LogPage:
    """Reads on over events outside of the range of time, up to a number of bytes."""
    read = _read_forward if forward else _read_backward
    start = end = position
    while True:
        page = read(stream, end if forward else start, limit)
        start, end = (position, page.end) if forward else (page.start, position)
        events = tuple(event for event in page.events if times.contains(event[0]))
        if events or not page.events or end - start > _MAX_SCANNED_BYTES:
            return LogPage(events, start, end)


def _read_forward(stream: LogStream, position: int, limit: int) -> LogPage:
    return read_forward(stream, start=position, limit_events=limit, limit_bytes=_BYTES_PER_PAGE)


def _read_backward(stream: LogStream, position: int, limit: int) -> LogPage:
    return read_backward(stream, end=position, limit_events=limit, limit_bytes=_BYTES_PER_PAGE)


def _parse_filter_token(token: str | None) -> tuple[JobCursor, int]:
    """Returns (the cursor before a stream, the position in that stream). Raises Invalid."""
    if token is None:
        return JobCursor(), 0
    position, at, cursor = token.partition("@")
    if not at or not position.isascii() or not position.isdigit() or len(position) > 18:
        raise Invalid(f"the next token {token[:80]!r} was not given by this service; begin without one")
    return parse_cursor(cursor), int(position)


def _streams_to_filter(group: LogGroup, request: Shape, cursor: JobCursor) -> Iterator[tuple[LogStream, JobCursor]]:
    prefix = request.get("logStreamNamePrefix", "")
    names = request.get("logStreamNames")
    if names and len({name.partition("/")[0] for name in names}) == 1:
        prefix = f"{names[0].partition('/')[0]}/"  # all of one job: no need to go through the others
    return group.streams(StreamQuery(prefix), cursor)


def _event(time_ms: int, text: str) -> Shape:
    return {"timestamp": time_ms, "message": text, "ingestionTime": time_ms}
