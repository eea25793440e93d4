"""Log groups, their streams and events."""

from typing import Any

import pytest

from naiad.service.domain.errors import Invalid, NotFound

GROUP = "/aws/sagemaker/TrainingJobs"


def lines(start: int, stop: int, word: str = "line") -> str:
    return "".join(f"{1000 + number} {word} {number}\n" for number in range(start, stop))


def logs(api: Any, operation: str, **request: Any) -> dict[str, Any]:
    output: dict[str, Any] = api.call("logs", operation, logGroupName=GROUP, **request)
    return output


def stream_name(api: Any, name: str = "one") -> str:
    streams = logs(api, "DescribeLogStreams", logStreamNamePrefix=f"{name}/")["logStreams"]
    return str(streams[0]["logStreamName"])


def texts(output: dict[str, Any]) -> list[str]:
    return [event["message"] for event in output["events"]]


@pytest.fixture
def api_with_log(api: Any) -> Any:
    """One job that has api_with_log ten lines."""
    api.train("one")
    api.tick()
    api.write("one", "log", lines(0, 10))
    return api


def test_the_groups_of_jobs_are_there(api: Any) -> None:
    groups = api.call("logs", "DescribeLogGroups")["logGroups"]
    assert [group["logGroupName"] for group in groups] == [
        "/aws/sagemaker/ProcessingJobs",
        GROUP,
        "/aws/sagemaker/TransformJobs",
    ]
    assert len(api.call("logs", "DescribeLogGroups", logGroupNamePrefix=GROUP)["logGroups"]) == 1
    first = api.call("logs", "DescribeLogGroups", limit=2)
    last = api.call("logs", "DescribeLogGroups", limit=2, nextToken=first["nextToken"])
    assert first["logGroups"] + last["logGroups"] == groups
    assert "nextToken" not in last


def test_a_job_that_has_not_started_has_no_stream(api: Any) -> None:
    api.train("one")
    assert logs(api, "DescribeLogStreams", logStreamNamePrefix="one/", orderBy="LogStreamName", limit=1) == {
        "logStreams": []
    }


def test_each_instance_has_a_stream(api: Any) -> None:
    config = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    api.train("one", ResourceConfig=config)
    api.train("one-more")
    api.tick()
    api.write("one", "log", lines(0, 2))
    api.write("one", "log", lines(0, 1), index=1)
    streams = logs(api, "DescribeLogStreams", logStreamNamePrefix="one/")["logStreams"]
    assert [stream["logStreamName"].rpartition("-")[0] for stream in streams] == ["one/algo-1", "one/algo-2"]
    assert (streams[0]["firstEventTimestamp"], streams[0]["lastEventTimestamp"]) == (1000, 1001)
    first = logs(api, "DescribeLogStreams", logStreamNamePrefix="one/", limit=1)
    assert [stream["logStreamName"] for stream in first["logStreams"]] == [streams[0]["logStreamName"]]
    second = logs(api, "DescribeLogStreams", logStreamNamePrefix="one/", limit=1, nextToken=first["nextToken"])
    assert second["logStreams"] == [streams[1]]
    assert "nextToken" not in second
    by_time = logs(api, "DescribeLogStreams", orderBy="LastEventTime", descending=True)["logStreams"]
    assert len(by_time) == 2


def test_pages_from_the_head_end_with_the_same_token(api_with_log: Any) -> None:
    name, texts_so_far, token = stream_name(api_with_log), [], {"startFromHead": True}
    for _ in range(10):
        output = logs(api_with_log, "GetLogEvents", logStreamName=name, limit=4, **token)
        texts_so_far += texts(output)
        if output["nextForwardToken"] == token.get("nextToken"):
            break
        token = {"nextToken": output["nextForwardToken"]}
    assert texts_so_far == [f"line {number}" for number in range(10)]
    api_with_log.write("one", "log", lines(10, 12))
    assert texts(logs(api_with_log, "GetLogEvents", logStreamName=name, **token)) == ["line 10", "line 11"]


def test_pages_start_at_the_tail_and_go_backward_by_default(api_with_log: Any) -> None:
    name = stream_name(api_with_log)
    tail = logs(api_with_log, "GetLogEvents", logStreamName=name, limit=3)
    assert texts(tail) == ["line 7", "line 8", "line 9"]
    before = logs(api_with_log, "GetLogEvents", logStreamName=name, limit=3, nextToken=tail["nextBackwardToken"])
    assert texts(before) == ["line 4", "line 5", "line 6"]
    assert texts(logs(api_with_log, "GetLogEvents", logStreamName=name, nextToken=tail["nextForwardToken"])) == []
    head = logs(api_with_log, "GetLogEvents", logStreamName=name, startFromHead=True, limit=1)
    end = logs(api_with_log, "GetLogEvents", logStreamName=name, nextToken=head["nextBackwardToken"])
    assert (end["events"], end["nextBackwardToken"]) == ([], head["nextBackwardToken"])


def test_a_range_of_time(api_with_log: Any) -> None:
    name = stream_name(api_with_log)
    output = logs(api_with_log, "GetLogEvents", logStreamName=name, startFromHead=True, startTime=1003, endTime=1005)
    assert texts(output) == ["line 3", "line 4"]
    late = logs(api_with_log, "GetLogEvents", logStreamName=name, startFromHead=True, startTime=1009, limit=2)
    assert texts(late) == ["line 9"]


def test_a_new_attempt_continues_the_same_stream(api_with_log: Any) -> None:
    name = stream_name(api_with_log)
    api_with_log.write("one", "log", "1010 torn")  # a killed agent leaves such a line
    everything = logs(api_with_log, "GetLogEvents", logStreamName=name, startFromHead=True)
    api_with_log.executor.lose(api_with_log.instance("one"))
    api_with_log.tick(2)
    api_with_log.write("one", "log", lines(20, 25), attempt=2)
    assert stream_name(api_with_log) == name
    rest = logs(api_with_log, "GetLogEvents", logStreamName=name, nextToken=everything["nextForwardToken"])
    assert texts(rest) == [f"line {number}" for number in range(20, 25)]
    whole = logs(api_with_log, "GetLogEvents", logStreamName=name, startFromHead=True)
    assert len(whole["events"]) == 15
    tail = logs(api_with_log, "GetLogEvents", logStreamName=name, limit=5)
    assert texts(
        logs(api_with_log, "GetLogEvents", logStreamName=name, limit=2, nextToken=tail["nextBackwardToken"])
    ) == [
        "line 8",
        "line 9",
    ]


def test_filtering_over_streams_and_pages(api_with_log: Any) -> None:
    api_with_log.finish("one")
    api_with_log.train("two")
    api_with_log.tick()
    api_with_log.write("two", "log", lines(0, 3, "ERROR in"))
    errors = logs(api_with_log, "FilterLogEvents", filterPattern="ERROR")
    assert texts(errors) == ["ERROR in 0", "ERROR in 1", "ERROR in 2"]
    assert len({event["eventId"] for event in errors["events"]}) == 3
    texts_so_far, token = [], {}
    while True:
        output = logs(api_with_log, "FilterLogEvents", limit=4, **token)
        texts_so_far += texts(output)
        assert len(output["events"]) <= 4
        if "nextToken" not in output:
            break
        token = {"nextToken": output["nextToken"]}
    assert len(texts_so_far) == len(set(texts_so_far)) == 13
    one = logs(api_with_log, "FilterLogEvents", logStreamNames=[stream_name(api_with_log)], startTime=1008)
    assert texts(one) == ["line 8", "line 9"]
    assert len(logs(api_with_log, "FilterLogEvents", logStreamNamePrefix="two/")["events"]) == 3


@pytest.mark.parametrize("stream", ["nobody/algo-1-1", "one/algo-9-1", "../../etc/passwd", "one"])
def test_a_missing_stream(api_with_log: Any, stream: str) -> None:
    with pytest.raises(NotFound, match="log stream does not exist"):
        logs(api_with_log, "GetLogEvents", logStreamName=stream)


def test_a_missing_group(api: Any) -> None:
    with pytest.raises(NotFound, match="log group does not exist"):
        api.call("logs", "DescribeLogStreams", logGroupName="/aws/lambda/x")
    with pytest.raises(Invalid, match="logGroupName is missing"):
        api.call("logs", "DescribeLogStreams")


@pytest.mark.parametrize("token", ["", "f/", "f/-1", "x/1", "f/1;b/2", "f/" + "9" * 40])
def test_invalid_tokens(api_with_log: Any, token: str) -> None:
    name = stream_name(api_with_log)
    with pytest.raises(Invalid, match="was not given by this service"):
        logs(api_with_log, "GetLogEvents", logStreamName=name, nextToken=token)
    for operation in ("FilterLogEvents", "DescribeLogStreams"):
        with pytest.raises(Invalid, match="was not given by this service"):
            logs(api_with_log, operation, nextToken=token)
