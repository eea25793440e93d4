"""CloudWatch Logs over the files that agents and replicas write: a stream for each of them. Tokens are positions in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from naiad.service.contract.log_file import LogPage
from naiad.service.contract.log_stream import LogStream, read_backward, read_forward, size_bytes
from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import ACCOUNT_ID
from naiad.service.gateway.operation import Context, operation
from naiad.service.gateway.operations.job_cursor import JobCursor, parse_cursor
from naiad.service.gateway.operations.log_filter import line_filter
from naiad.service.gateway.operations.log_groups import Order, group_names, group_of

_GROUPS_PER_PAGE = 50
_STREAMS_PER_PAGE = 50
_EVENTS_PER_PAGE = 10_000
_BYTES_PER_PAGE = 1024 * 1024
_BYTES_LOOKED_AT = 16 * 1024 * 1024
"""By one FilterLogEvents or one span of time; more is read with the next token."""
_TOKEN = re.compile(r"([fb])/([0-9]{1,18})")


@dataclass(frozen=True)
class _Times:
    start_ms: int
    end_ms: int

    def hold(self, time_ms: int) -> bool:
        return self.start_ms <= time_ms < self.end_ms


@operation("logs", "DescribeLogGroups")
def describe_log_groups(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    prefix, pattern = asked.get("logGroupNamePrefix", ""), asked.get("logGroupNamePattern", "").lower()
    limit, after = asked.get("limit", _GROUPS_PER_PAGE), asked.get("nextToken", "")
    names = sorted(name for name in group_names(context) if name.startswith(prefix) and pattern in name.lower())
    left = [name for name in names if name > after]
    more = {"nextToken": left[limit - 1]} if len(left) > limit else {}
    return {"logGroups": [_group(context, name) for name in left[:limit]], **more}


@operation("logs", "DescribeLogStreams")
def describe_log_streams(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    group = _group_name(asked)
    prefix, by_time = asked.get("logStreamNamePrefix", ""), asked.get("orderBy") == "LastEventTime"
    if prefix and by_time:
        raise Invalid("orderBy LastEventTime and logStreamNamePrefix cannot be given together")
    limit = asked.get("limit", _STREAMS_PER_PAGE)
    order = Order(prefix, by_time, asked.get("descending", False))
    page: list[dict[str, Any]] = []
    cursor = None
    for stream, behind in group_of(context, group).streams(order, parse_cursor(asked.get("nextToken"))):
        if len(page) == limit:
            return {"logStreams": page, "nextToken": str(cursor)}
        page.append(_stream(context, group, stream))
        cursor = behind
    return {"logStreams": page}


@operation("logs", "GetLogEvents")
def get_log_events(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """At the end of the stream the same token comes back: there is nothing more for now."""
    stream = group_of(context, _group_name(asked)).stream(asked["logStreamName"])
    forward, position = _where(asked, stream)
    limit, times = asked.get("limit", _EVENTS_PER_PAGE), _times(asked)
    page = _page(stream, position, forward=forward, limit=limit, times=times)
    return {
        "events": [_event(time_ms, text) for time_ms, text in page.events],
        "nextForwardToken": f"f/{page.end:018d}",
        "nextBackwardToken": f"b/{page.start:018d}",
    }


@operation("logs", "FilterLogEvents")
def filter_log_events(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """Stream by stream, each in the order of time. A page may be empty and still have a next token, as in CloudWatch."""
    group = _group_name(asked)
    passes, times = line_filter(asked.get("filterPattern", "")), _times(asked)
    limit, names = asked.get("limit", _EVENTS_PER_PAGE), asked.get("logStreamNames")
    cursor, position = _filter_token(asked.get("nextToken"))
    events: list[dict[str, Any]] = []
    looked_at = 0
    for stream, behind in _filtered_streams(context, group, asked, cursor):
        if names is not None and stream.name not in names:
            cursor, position = behind, 0
            continue
        while len(events) < limit and looked_at < _BYTES_LOOKED_AT:
            room = min(limit - len(events), _EVENTS_PER_PAGE)
            page = read_forward(stream, start=position, limit_events=room, limit_bytes=_BYTES_PER_PAGE)
            events += [
                {**_event(time_ms, text), "logStreamName": stream.name, "eventId": f"{stream.name}:{position}:{index}"}
                for index, (time_ms, text) in enumerate(page.events)
                if times.hold(time_ms) and passes(text)
            ]
            looked_at += page.end - position
            if page.end == position:
                break
            position = page.end
        else:
            return {"events": events, "searchedLogStreams": [], "nextToken": f"{position}@{cursor}"}
        cursor, position = behind, 0
    return {"events": events, "searchedLogStreams": []}


def _group_name(asked: dict[str, Any]) -> str:
    given = asked.get("logGroupName") or asked.get("logGroupIdentifier", "").rpartition("log-group:")[2].removesuffix(
        ":*"
    )
    if not given:
        raise Invalid("logGroupName is missing")
    return str(given)


def _times(asked: dict[str, Any]) -> _Times:
    return _Times(asked.get("startTime", 0), asked.get("endTime", 2**63))


def _where(asked: dict[str, Any], stream: LogStream) -> tuple[bool, int]:
    """(forward, position): what the token says, else the head or the tail."""
    token = asked.get("nextToken")
    if token is None:
        forward = asked.get("startFromHead", False)
        return forward, 0 if forward else size_bytes(stream)
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise Invalid(f"the next token {token[:80]!r} was not given by this service; begin without one")
    return match[1] == "f", int(match[2])


def _page(stream: LogStream, position: int, *, forward: bool, limit: int, times: _Times) -> LogPage:
    """Reads on over what is outside of the span of time, up to a limit."""
    read = _read_forward if forward else _read_backward
    first = last = position
    while True:
        page = read(stream, last if forward else first, limit)
        first, last = (position, page.end) if forward else (page.start, position)
        events = tuple(event for event in page.events if times.hold(event[0]))
        if events or not page.events or last - first > _BYTES_LOOKED_AT:
            return LogPage(events, first, last)


def _read_forward(stream: LogStream, position: int, limit: int) -> LogPage:
    return read_forward(stream, start=position, limit_events=limit, limit_bytes=_BYTES_PER_PAGE)


def _read_backward(stream: LogStream, position: int, limit: int) -> LogPage:
    return read_backward(stream, end=position, limit_events=limit, limit_bytes=_BYTES_PER_PAGE)


def _filter_token(token: str | None) -> tuple[JobCursor, int]:
    if token is None:
        return JobCursor(), 0
    position, at, cursor = token.partition("@")
    if not at or not position.isascii() or not position.isdigit() or len(position) > 18:
        raise Invalid(f"the next token {token[:80]!r} was not given by this service; begin without one")
    return parse_cursor(cursor), int(position)


def _filtered_streams(
    context: Context, group: str, asked: dict[str, Any], cursor: JobCursor
) -> Iterator[tuple[LogStream, JobCursor]]:
    prefix = asked.get("logStreamNamePrefix", "")
    names = asked.get("logStreamNames")
    if names and len({name.partition("/")[0] for name in names}) == 1:
        prefix = f"{names[0].partition('/')[0]}/"  # all of one job: no need to go through the others
    return group_of(context, group).streams(Order(prefix), cursor)


def _event(time_ms: int, text: str) -> dict[str, Any]:
    return {"timestamp": time_ms, "message": text, "ingestionTime": time_ms}


def _group(context: Context, name: str) -> dict[str, Any]:
    arn = f"arn:aws:logs:{context.region}:{ACCOUNT_ID}:log-group:{name}"
    return {"logGroupName": name, "arn": f"{arn}:*", "logGroupArn": arn, "creationTime": 0, "storedBytes": 0}


def _stream(context: Context, group: str, stream: LogStream) -> dict[str, Any]:
    head = read_forward(stream, start=0, limit_events=1, limit_bytes=_BYTES_PER_PAGE).events
    tail = read_backward(stream, end=size_bytes(stream), limit_events=1, limit_bytes=_BYTES_PER_PAGE).events
    times = {"firstEventTimestamp": head[0][0]} if head else {}
    times |= {"lastEventTimestamp": tail[-1][0], "lastIngestionTime": tail[-1][0]} if tail else {}
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "arn": f"arn:aws:logs:{context.region}:{ACCOUNT_ID}:log-group:{group}:log-stream:{stream.name}",
        "storedBytes": 0,
        **times,
    }
