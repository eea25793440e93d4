"""Descriptions of log groups and of their streams."""

from naiad.service.contract.log_stream import LogStream, read_backward, read_forward, size_bytes
from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import ACCOUNT_ID
from naiad.service.endpoints.control.service import EndpointService
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.job_cursor import parse_cursor
from naiad.service.gateway.operations.log_groups import (
    StreamQuery,
    log_group_names,
    open_log_group,
    requested_group_name,
)
from naiad.service.jobs.service import JobService

_GROUPS_PER_PAGE = 50
_STREAMS_PER_PAGE = 50
_MAX_EVENT_BYTES = 1024 * 1024


@operation(
    "logs",
    "DescribeLogGroups",
    not_served="groups of other services; linked accounts",
)
def describe_log_groups(endpoints: EndpointService, region: str, request: Shape) -> Shape:
    prefix, pattern = request.get("logGroupNamePrefix", ""), request.get("logGroupNamePattern", "").lower()
    limit, after = request.get("limit", _GROUPS_PER_PAGE), request.get("nextToken", "")
    names = sorted(name for name in log_group_names(endpoints) if name.startswith(prefix) and pattern in name.lower())
    remaining = [name for name in names if name > after]
    token = {"nextToken": remaining[limit - 1]} if len(remaining) > limit else {}
    return {"logGroups": [_describe_group(region, name) for name in remaining[:limit]], **token}


@operation("logs", "DescribeLogStreams")
def describe_log_streams(jobs: JobService, endpoints: EndpointService, region: str, request: Shape) -> Shape:
    name = requested_group_name(request)
    prefix, by_time = request.get("logStreamNamePrefix", ""), request.get("orderBy") == "LastEventTime"
    if prefix and by_time:
        raise Invalid("orderBy LastEventTime and logStreamNamePrefix cannot be given together")
    limit = request.get("limit", _STREAMS_PER_PAGE)
    query = StreamQuery(prefix, by_time, request.get("descending", False))
    page: list[Shape] = []
    next_cursor = None
    group = open_log_group(jobs, endpoints, name)
    for stream, cursor in group.streams(query, parse_cursor(request.get("nextToken"))):
        if len(page) == limit:
            return {"logStreams": page, "nextToken": str(next_cursor)}
        page.append(_describe_stream(region, name, stream))
        next_cursor = cursor
    return {"logStreams": page}


def _describe_group(region: str, name: str) -> Shape:
    arn = f"arn:aws:logs:{region}:{ACCOUNT_ID}:log-group:{name}"
    return {"logGroupName": name, "arn": f"{arn}:*", "logGroupArn": arn, "creationTime": 0, "storedBytes": 0}


def _describe_stream(region: str, group: str, stream: LogStream) -> Shape:
    head = read_forward(stream, start=0, limit_events=1, limit_bytes=_MAX_EVENT_BYTES).events
    tail = read_backward(stream, end=size_bytes(stream), limit_events=1, limit_bytes=_MAX_EVENT_BYTES).events
    times = {"firstEventTimestamp": head[0][0]} if head else {}
    times |= {"lastEventTimestamp": tail[-1][0], "lastIngestionTime": tail[-1][0]} if tail else {}
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "arn": f"arn:aws:logs:{region}:{ACCOUNT_ID}:log-group:{group}:log-stream:{stream.name}",
        "storedBytes": 0,
        **times,
    }
