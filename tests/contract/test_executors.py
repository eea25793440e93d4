"""The contract of the executors, checked on every adapter. A stub stands for the agent, so that each test is short."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from naiad.service.domain.errors import ServiceError
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.executors.inline import InlineExecutor
from naiad.service.executors.instance_files import AGENT_FILE, read_process
from naiad.service.executors.local import LocalExecutor
from naiad.service.executors.port import Executor, Instance, InstanceReport, InstanceSpec

STUB_AGENT = (sys.executable, str(Path(__file__).with_name("stub_agent.py")))


class Harness(Protocol):
    """An adapter, and what a test must know about it. Instances complete or run, as their specs say."""

    executor: Executor

    def restart(self) -> None:
        """Replaces the executor, as a new server does after a restart."""

    def break_executor(self) -> None:
        """Makes every further start fail."""

    def prepare(self, spec: InstanceSpec) -> None: ...

    def agent_of(self, instance: Instance) -> object:
        """Identifies the agent that was started last for the instance."""

    def lose(self, instance: Instance) -> None:
        """Kills the agent as the system does when memory runs out."""

    def kill(self, instance: Instance) -> None:
        """Kills an instance at the end of a test."""


@dataclass
class InlineHarness:
    executor: InlineExecutor = field(default_factory=InlineExecutor)

    def restart(self) -> None: ...

    def break_executor(self) -> None:
        def fail(_: InstanceSpec) -> None:
            raise ServiceError("no room")

        self.executor.on_start = fail

    def prepare(self, spec: InstanceSpec) -> None:
        completes = spec.request["Behaviour"] == "completes"
        report = InstanceReport(Phase.COMPLETED if completes else Phase.TRAINING, alive=not completes)
        self.executor.set_reports(spec.instance.job_name, spec.instance.host, report)

    def agent_of(self, instance: Instance) -> object:
        return len([spec for spec in self.executor.started if spec.instance == instance])

    def lose(self, instance: Instance) -> None:
        self.executor.lose(instance)

    def kill(self, instance: Instance) -> None:
        self.executor.kill(instance)


@dataclass
class LocalHarness:
    executor: LocalExecutor = field(default_factory=lambda: LocalExecutor(STUB_AGENT))
    _earlier: list[LocalExecutor] = field(default_factory=list)
    """The executors of earlier servers: they are the parents of their agents, and must collect their exit statuses."""

    def restart(self) -> None:
        self._earlier.append(self.executor)
        self.executor = LocalExecutor(STUB_AGENT)

    def break_executor(self) -> None:
        self.executor = LocalExecutor(("/no/such/agent",))

    def prepare(self, spec: InstanceSpec) -> None: ...

    def agent_of(self, instance: Instance) -> object:
        return read_process(instance.folder / AGENT_FILE)

    def lose(self, instance: Instance) -> None:
        agent = read_process(instance.folder / AGENT_FILE)
        assert agent is not None
        agent.signal(signal.SIGKILL)

    def kill(self, instance: Instance) -> None:
        for executor in (self.executor, *self._earlier):
            executor.kill(instance)


@pytest.fixture(params=[InlineHarness, LocalHarness], ids=["inline", "local"])
def harness(request: pytest.FixtureRequest) -> Harness:
    adapter: Harness = request.param()
    return adapter


@dataclass
class Instances:
    """Starts instances, and kills those that are left at the end of a test."""

    harness: Harness
    state: Path
    started: list[Instance] = field(default_factory=list)

    def spec(self, behaviour: str = "runs", *, attempt: int = 1, index: int = 0) -> InstanceSpec:
        name = f"job-that-{behaviour}"
        folder = self.state / "jobs" / "training-job" / name / str(attempt) / f"algo-{index + 1}"
        return InstanceSpec(
            instance=Instance(JobKind.TRAINING, name, attempt, index, folder),
            arn=f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}",
            request={"Behaviour": behaviour},
            hosts=("algo-1", "algo-2"),
            cpus=(0,),
            memory_bytes=2**30,
            region="us-east-1",
            endpoint_url="http://127.0.0.1:1",
            access_key="A",
            secret_key="S",
        )

    def start(self, behaviour: str = "runs", *, attempt: int = 1, index: int = 0) -> Instance:
        """Returns when the instance has reported: that it runs, or its end."""
        spec = self.spec(behaviour, attempt=attempt, index=index)
        self.harness.prepare(spec)
        self.harness.executor.start(spec)
        self.started.append(spec.instance)
        self.wait_for(spec.instance, Phase.TRAINING if behaviour == "runs" else Phase.COMPLETED)
        return spec.instance

    def report(self, instance: Instance) -> InstanceReport:
        report = self.harness.executor.report(instance)
        assert report is not None
        return report

    def wait_for(self, instance: Instance, phase: Phase) -> None:
        while self.report(instance).phase is not phase:
            os.sched_yield()

    def wait_for_death(self, instance: Instance) -> InstanceReport:
        while (report := self.report(instance)).alive:
            os.sched_yield()
        return report


@pytest.fixture
def instances(harness: Harness, tmp_path: Path) -> Iterator[Instances]:
    instances = Instances(harness, tmp_path)
    yield instances
    for instance in instances.started:
        harness.kill(instance)


def test_an_instance_that_was_never_started_has_no_report(instances: Instances) -> None:
    instance, executor = instances.spec().instance, instances.harness.executor
    executor.stop(instance)
    executor.kill(instance)
    assert executor.report(instance) is None


def test_a_running_instance_reports_its_phase(instances: Instances) -> None:
    report = instances.report(instances.start())
    assert (report.phase, report.alive) == (Phase.TRAINING, True)


def test_a_second_start_does_nothing(instances: Instances) -> None:
    instance = instances.start()
    agent = instances.harness.agent_of(instance)
    instances.harness.executor.start(instances.spec())
    assert instances.harness.agent_of(instance) == agent
    assert instances.report(instance).alive


def test_an_instance_that_ended_keeps_its_final_report(instances: Instances) -> None:
    instance = instances.start("completes")
    assert instances.wait_for_death(instance).phase is Phase.COMPLETED
    instances.harness.executor.stop(instance)
    instances.harness.executor.kill(instance)
    instances.harness.executor.start(instances.spec("completes"))
    assert instances.wait_for_death(instance).phase is Phase.COMPLETED


def test_a_stop_ends_a_running_instance(instances: Instances) -> None:
    instance = instances.start()
    instances.harness.executor.stop(instance)
    instances.harness.executor.stop(instance)
    assert instances.wait_for_death(instance).phase is Phase.STOPPED


def test_after_a_kill_nothing_runs(instances: Instances) -> None:
    instance = instances.start()
    instances.harness.executor.kill(instance)
    report = instances.report(instance)
    assert (report.phase, report.alive) == (Phase.TRAINING, False)
    instances.harness.executor.kill(instance)


def test_a_lost_instance_is_reported_as_dead_in_its_last_phase(instances: Instances) -> None:
    instance = instances.start()
    instances.harness.lose(instance)
    assert instances.wait_for_death(instance).phase is Phase.TRAINING


def test_instances_and_attempts_are_told_apart(instances: Instances) -> None:
    first, other = instances.start(), instances.start(index=1)
    instances.harness.lose(first)
    second = instances.start(attempt=2)
    assert not instances.wait_for_death(first).alive
    assert instances.report(other).alive
    assert instances.report(second).alive


def test_a_restarted_server_finds_its_instances(instances: Instances) -> None:
    running, completed = instances.start(), instances.start("completes")
    agent = instances.harness.agent_of(running)
    instances.harness.restart()
    assert instances.report(running).alive
    assert instances.report(completed).phase is Phase.COMPLETED
    instances.harness.executor.start(instances.spec())
    assert instances.harness.agent_of(running) == agent
    instances.harness.executor.stop(running)
    assert instances.wait_for_death(running).phase is Phase.STOPPED


def test_nothing_runs_after_a_start_that_failed(instances: Instances) -> None:
    instances.harness.break_executor()
    with pytest.raises(ServiceError):
        instances.harness.executor.start(instances.spec())
    assert instances.harness.executor.report(instances.spec().instance) is None
