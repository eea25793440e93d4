from typing import Any

import pytest

from naiad.service.domain.errors import Invalid, NotFound

GROUP = "/aws/sagemaker/TrainingJobs"


def lines(start: int, stop: int, word: str = "line") -> str:
    return "".join(f"{1000 + number} {word} {number}\n" for number in range(start, stop))


def logs(door: Any, operation: str, **asked: Any) -> dict[str, Any]:
    answer: dict[str, Any] = door.call("logs", operation, logGroupName=GROUP, **asked)
    return answer


def stream_name(door: Any, name: str = "one") -> str:
    found = logs(door, "DescribeLogStreams", logStreamNamePrefix=f"{name}/")["logStreams"]
    return str(found[0]["logStreamName"])


def texts(answer: dict[str, Any]) -> list[str]:
    return [event["message"] for event in answer["events"]]


@pytest.fixture
def written(door: Any) -> Any:
    door.train("one")
    door.tick()
    door.write("one", "log", lines(0, 10))
    return door


def test_the_groups_of_jobs_are_there(door: Any) -> None:
    found = door.call("logs", "DescribeLogGroups")["logGroups"]
    assert [group["logGroupName"] for group in found] == [
        "/aws/sagemaker/ProcessingJobs",
        GROUP,
        "/aws/sagemaker/TransformJobs",
    ]
    assert len(door.call("logs", "DescribeLogGroups", logGroupNamePrefix=GROUP)["logGroups"]) == 1
    first = door.call("logs", "DescribeLogGroups", limit=2)
    last = door.call("logs", "DescribeLogGroups", limit=2, nextToken=first["nextToken"])
    assert first["logGroups"] + last["logGroups"] == found
    assert "nextToken" not in last


def test_a_job_that_has_not_started_has_no_stream(door: Any) -> None:
    door.train("one")
    assert logs(door, "DescribeLogStreams", logStreamNamePrefix="one/", orderBy="LogStreamName", limit=1) == {
        "logStreams": []
    }


def test_each_instance_has_a_stream(door: Any) -> None:
    config = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    door.train("one", ResourceConfig=config)
    door.train("one-more")
    door.tick()
    door.write("one", "log", lines(0, 2))
    door.write("one", "log", lines(0, 1), index=1)
    found = logs(door, "DescribeLogStreams", logStreamNamePrefix="one/")["logStreams"]
    assert [stream["logStreamName"].rpartition("-")[0] for stream in found] == ["one/algo-1", "one/algo-2"]
    assert (found[0]["firstEventTimestamp"], found[0]["lastEventTimestamp"]) == (1000, 1001)
    first = logs(door, "DescribeLogStreams", logStreamNamePrefix="one/", limit=1)
    assert [stream["logStreamName"] for stream in first["logStreams"]] == [found[0]["logStreamName"]]
    second = logs(door, "DescribeLogStreams", logStreamNamePrefix="one/", limit=1, nextToken=first["nextToken"])
    assert second["logStreams"] == [found[1]]
    assert "nextToken" not in second
    back = logs(door, "DescribeLogStreams", orderBy="LastEventTime", descending=True)["logStreams"]
    assert len(back) == 2


def test_pages_from_the_head_end_with_the_same_token(written: Any) -> None:
    name, seen, token = stream_name(written), [], {"startFromHead": True}
    for _ in range(10):
        answer = logs(written, "GetLogEvents", logStreamName=name, limit=4, **token)
        seen += texts(answer)
        if answer["nextForwardToken"] == token.get("nextToken"):
            break
        token = {"nextToken": answer["nextForwardToken"]}
    assert seen == [f"line {number}" for number in range(10)]
    written.write("one", "log", lines(10, 12))
    assert texts(logs(written, "GetLogEvents", logStreamName=name, **token)) == ["line 10", "line 11"]


def test_without_a_start_the_tail_comes_and_goes_backward(written: Any) -> None:
    name = stream_name(written)
    tail = logs(written, "GetLogEvents", logStreamName=name, limit=3)
    assert texts(tail) == ["line 7", "line 8", "line 9"]
    before = logs(written, "GetLogEvents", logStreamName=name, limit=3, nextToken=tail["nextBackwardToken"])
    assert texts(before) == ["line 4", "line 5", "line 6"]
    assert texts(logs(written, "GetLogEvents", logStreamName=name, nextToken=tail["nextForwardToken"])) == []
    head = logs(written, "GetLogEvents", logStreamName=name, startFromHead=True, limit=1)
    end = logs(written, "GetLogEvents", logStreamName=name, nextToken=head["nextBackwardToken"])
    assert (end["events"], end["nextBackwardToken"]) == ([], head["nextBackwardToken"])


def test_a_span_of_time(written: Any) -> None:
    name = stream_name(written)
    answer = logs(written, "GetLogEvents", logStreamName=name, startFromHead=True, startTime=1003, endTime=1005)
    assert texts(answer) == ["line 3", "line 4"]
    late = logs(written, "GetLogEvents", logStreamName=name, startFromHead=True, startTime=1009, limit=2)
    assert texts(late) == ["line 9"]


def test_a_new_attempt_goes_on_in_the_same_stream(written: Any) -> None:
    name = stream_name(written)
    written.write("one", "log", "1010 torn")  # as a killed agent leaves it
    everything = logs(written, "GetLogEvents", logStreamName=name, startFromHead=True)
    written.executor.lose(written.instance("one"))
    written.tick(2)
    written.write("one", "log", lines(20, 25), attempt=2)
    assert stream_name(written) == name
    rest = logs(written, "GetLogEvents", logStreamName=name, nextToken=everything["nextForwardToken"])
    assert texts(rest) == [f"line {number}" for number in range(20, 25)]
    whole = logs(written, "GetLogEvents", logStreamName=name, startFromHead=True)
    assert len(whole["events"]) == 15
    tail = logs(written, "GetLogEvents", logStreamName=name, limit=5)
    assert texts(logs(written, "GetLogEvents", logStreamName=name, limit=2, nextToken=tail["nextBackwardToken"])) == [
        "line 8",
        "line 9",
    ]


def test_filtered_over_streams_and_pages(written: Any) -> None:
    written.finish("one")
    written.train("two")
    written.tick()
    written.write("two", "log", lines(0, 3, "ERROR in"))
    errors = logs(written, "FilterLogEvents", filterPattern="ERROR")
    assert texts(errors) == ["ERROR in 0", "ERROR in 1", "ERROR in 2"]
    assert len({event["eventId"] for event in errors["events"]}) == 3
    seen, token = [], {}
    while True:
        answer = logs(written, "FilterLogEvents", limit=4, **token)
        seen += texts(answer)
        assert len(answer["events"]) <= 4
        if "nextToken" not in answer:
            break
        token = {"nextToken": answer["nextToken"]}
    assert len(seen) == len(set(seen)) == 13
    one = logs(written, "FilterLogEvents", logStreamNames=[stream_name(written)], startTime=1008)
    assert texts(one) == ["line 8", "line 9"]
    assert len(logs(written, "FilterLogEvents", logStreamNamePrefix="two/")["events"]) == 3


@pytest.mark.parametrize("stream", ["nobody/algo-1-1", "one/algo-9-1", "../../etc/passwd", "one"])
def test_a_stream_that_is_not_there(written: Any, stream: str) -> None:
    with pytest.raises(NotFound, match="log stream does not exist"):
        logs(written, "GetLogEvents", logStreamName=stream)


def test_a_group_that_is_not_there(door: Any) -> None:
    with pytest.raises(NotFound, match="log group does not exist"):
        door.call("logs", "DescribeLogStreams", logGroupName="/aws/lambda/x")
    with pytest.raises(Invalid, match="logGroupName is missing"):
        door.call("logs", "DescribeLogStreams")


@pytest.mark.parametrize("token", ["", "f/", "f/-1", "x/1", "f/1;b/2", "f/" + "9" * 40])
def test_a_token_that_is_none(written: Any, token: str) -> None:
    name = stream_name(written)
    with pytest.raises(Invalid, match="was not given by this service"):
        logs(written, "GetLogEvents", logStreamName=name, nextToken=token)
    for operation in ("FilterLogEvents", "DescribeLogStreams"):
        with pytest.raises(Invalid, match="was not given by this service"):
            logs(written, operation, nextToken=token)
