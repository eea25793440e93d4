from pathlib import Path

import pytest

from naiad.service.domain.errors import ServiceError
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.executors.inline import InlineExecutor
from naiad.service.executors.port import Instance, InstanceReport, InstanceSpec

ONE = Instance(JobKind.TRAINING, "one", 1, 0, Path("/nowhere"))
RUNNING, COMPLETED = InstanceReport(Phase.TRAINING, alive=True), InstanceReport(Phase.COMPLETED, alive=False)


@pytest.fixture
def spec() -> InstanceSpec:
    return InstanceSpec(ONE, "arn", {}, ("algo-1",), (0,), 1, "us-east-1", "http://127.0.0.1:1", "A", "S")


def test_an_instance_gives_its_reports_in_order_and_repeats_the_last(spec: InstanceSpec) -> None:
    executor = InlineExecutor()
    executor.set_reports("one", "algo-1", RUNNING, COMPLETED)
    executor.start(spec)
    assert [executor.report(ONE) for _ in range(3)] == [RUNNING, COMPLETED, COMPLETED]


def test_the_reports_of_an_instance_that_has_ended_do_not_change(spec: InstanceSpec) -> None:
    executor = InlineExecutor()
    executor.start(spec)
    executor.stop(ONE)
    executor.set_reports("one", "algo-1", RUNNING)
    assert executor.report(ONE) == InstanceReport(Phase.STOPPED, alive=False)


def test_calls_are_recorded(spec: InstanceSpec) -> None:
    executor = InlineExecutor()
    executor.start(spec)
    assert executor.alive == [ONE]
    executor.stop(ONE)
    executor.kill(ONE)
    assert (executor.started, executor.stopped, executor.killed) == ([spec], [ONE], [ONE])
    assert executor.alive == []


def test_a_failed_start_is_not_recorded(spec: InstanceSpec) -> None:
    def refuse(_: InstanceSpec) -> None:
        raise ServiceError("no room")

    executor = InlineExecutor(on_start=refuse)
    with pytest.raises(ServiceError):
        executor.start(spec)
    assert executor.started == []
