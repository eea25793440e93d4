from pathlib import Path

import pytest

from naiad.service.domain.errors import ServiceError
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.executors.inline import InlineExecutor
from naiad.service.executors.port import Instance, InstanceReport, InstanceSpec

ONE = Instance(JobKind.TRAINING, "one", 1, 0, Path("/nowhere"))
RUNS, DONE = InstanceReport(Phase.TRAINING, alive=True), InstanceReport(Phase.COMPLETED, alive=False)


@pytest.fixture
def order() -> InstanceSpec:
    return InstanceSpec(ONE, "arn", {}, ("algo-1",), (0,), 1, "us-east-1", "http://127.0.0.1:1", "A", "S")


def test_it_reports_what_it_was_told_to_and_then_the_last(order: InstanceSpec) -> None:
    executor = InlineExecutor()
    executor.play("one", "algo-1", RUNS, DONE)
    assert executor.report(ONE) is None
    executor.start(order)
    executor.start(order)
    assert [executor.report(ONE) for _ in range(3)] == [RUNS, DONE, DONE]
    assert executor.started == [order]


def test_a_stop_ends_what_runs_and_leaves_an_end_as_it_is(order: InstanceSpec) -> None:
    executor = InlineExecutor()
    with pytest.raises(ServiceError):
        executor.stop(ONE)
    executor.start(order)
    executor.stop(ONE)
    executor.play("one", "algo-1", RUNS)
    assert executor.report(ONE) == InstanceReport(Phase.STOPPED, alive=False)
    assert executor.stopped == [ONE]


def test_a_killed_one_is_gone_without_a_word(order: InstanceSpec) -> None:
    executor = InlineExecutor()
    executor.kill(ONE)
    executor.start(order)
    assert executor.alive == [ONE]
    executor.kill(ONE)
    assert executor.report(ONE) == InstanceReport(Phase.STARTING, alive=False)
    assert executor.alive == []


def test_a_start_that_fails_has_started_nothing(order: InstanceSpec) -> None:
    def refuse(_: InstanceSpec) -> None:
        raise ServiceError("no room")

    executor = InlineExecutor(on_start=refuse)
    with pytest.raises(ServiceError):
        executor.start(order)
    assert executor.report(ONE) is None
    assert executor.started == []
