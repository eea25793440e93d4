from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from naiad.client.aws_errors import code_of, message_of
from naiad.client.log_reader import LogReader


def error(code: str, **message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, **message}}, "DescribeLogStreams")  # type: ignore[typeddict-item]  # reason: as servers answer


class FakeLogs:
    """One stream, whose lines come in pages of two; or an error."""

    def __init__(self, *lines: str, error: ClientError | None = None) -> None:
        self.lines, self.error, self.requests = list(lines), error, []

    def get_paginator(self, operation: str) -> "FakeLogs":
        assert operation == "describe_log_streams"
        return self

    def paginate(self, **request: str) -> Iterator[dict[str, Any]]:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        yield {"logStreams": [{"logStreamName": "a/1"}]}

    def get_log_events(self, *, nextToken: str = "0", **_: Any) -> dict[str, Any]:
        start = int(nextToken)
        page = self.lines[start : start + 2]
        return {"events": [{"message": line} for line in page], "nextForwardToken": str(start + len(page))}


def test_only_new_lines_are_read() -> None:
    logs = FakeLogs("one", "two", "three")
    reader = LogReader(logs, "/group", prefix="a/")
    assert reader.stream_names() == ["a/1"]
    assert logs.requests == [{"logGroupName": "/group", "logStreamNamePrefix": "a/"}]
    assert list(reader.new_lines("a/1")) == ["one", "two", "three"]
    assert list(reader.new_lines("a/1")) == []
    logs.lines.append("four")
    assert list(reader.new_lines("a/1")) == ["four"]


def test_a_missing_group_is_an_error_unless_it_may_be_missing() -> None:
    logs = FakeLogs(error=error("ResourceNotFoundException"))
    assert LogReader(logs, "/group", missing_ok=True).stream_names() == []
    with pytest.raises(ClientError):
        LogReader(logs, "/group").stream_names()
    with pytest.raises(ClientError):
        LogReader(FakeLogs(error=error("AccessDenied")), "/group", missing_ok=True).stream_names()


def test_the_code_and_the_message_of_an_error() -> None:
    assert code_of(error("AccessDenied")) == "AccessDenied"
    assert message_of(error("AccessDenied", Message="no key")) == "no key"
    assert message_of(error("AccessDenied")).startswith("An error occurred (AccessDenied)")
