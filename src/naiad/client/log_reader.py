"""Reads the log streams of a server, each from where it was last read to."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from naiad.client.aws_errors import code_of


class LogReader:
    """New lines of the streams of one log group.

    logs: a boto3 client of CloudWatch Logs. prefix: the streams whose names begin with it; all of them if left out.
    missing_ok: reads nothing where the group does not exist; else ClientError is raised.
    """

    def __init__(self, logs: Any, group: str, *, prefix: str | None = None, missing_ok: bool = False) -> None:
        self._logs = logs
        self._request = {"logGroupName": group, **({} if prefix is None else {"logStreamNamePrefix": prefix})}
        self._group = group
        self._missing_ok = missing_ok
        self._tokens: dict[str, str] = {}

    def stream_names(self) -> list[str]:
        """Raises ClientError."""
        pages = self._logs.get_paginator("describe_log_streams").paginate(**self._request)
        try:
            return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        except ClientError as error:
            if self._missing_ok and code_of(error) == "ResourceNotFoundException":
                return []
            raise

    def new_lines(self, stream: str) -> Iterator[str]:
        """Yields the lines that were written after the last call. Raises ClientError."""
        while True:
            token = self._tokens.get(stream)
            more = {} if token is None else {"nextToken": token}
            page = self._logs.get_log_events(logGroupName=self._group, logStreamName=stream, startFromHead=True, **more)
            yield from (event["message"] for event in page["events"])
            if token == page["nextForwardToken"]:
                return
            self._tokens[stream] = page["nextForwardToken"]
