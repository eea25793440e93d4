"""The supervisor: whole lives of jobs, the order in which they start, and passes that go wrong."""

import threading
from typing import Any

import pytest

from naiad.service.domain.errors import StorageFull, Unavailable
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import RUNNING_PHASES, Phase
from naiad.service.executors.port import InstanceReport, InstanceSpec


def phases(world: Any, name: str) -> list[Phase]:
    return [past.phase for past in world.job(name).transitions]


def test_a_whole_life(world: Any) -> None:
    world.create("one")
    world.set_reports("one", *(world.running(phase) for phase in RUNNING_PHASES), world.ended(Phase.COMPLETED))
    observed = []
    for _ in range(8):
        world.tick()
        observed.append(world.phase("one"))
    job = world.job("one")
    assert list(dict.fromkeys(observed)) == [*RUNNING_PHASES, Phase.COMPLETED]
    assert phases(world, "one") == [Phase.PENDING, *RUNNING_PHASES, Phase.COMPLETED]
    assert job.attempt == 1
    assert job.started_at is not None
    assert job.ended_at is not None
    assert job.created_at < job.started_at < job.ended_at
    assert [past.ended_at is None for past in job.transitions] == [False] * 6
    assert world.store.unfinished_jobs() == ()


def test_a_job_faster_than_the_supervisor_passes_through_every_phase(world: Any) -> None:
    world.create("quick")
    world.set_reports("quick", world.ended(Phase.COMPLETED, message="all good"))
    world.tick(2)
    assert phases(world, "quick") == [Phase.PENDING, *RUNNING_PHASES, Phase.COMPLETED]
    assert world.job("quick").started_at is not None
    assert world.job("quick").exit_message == "all good"


def test_the_spec_of_an_agent_is_complete(world: Any) -> None:
    job = world.create("pair", instances=2)
    world.tick()
    first, second = world.executor.started
    assert isinstance(first, InstanceSpec)
    assert first.hosts == second.hosts == ("algo-1", "algo-2")
    assert (first.access_key, first.secret_key) == (job.access_key, job.secret_key)
    assert first.request == job.request
    assert first.arn == job.arn
    assert first.memory_bytes == job.resources.memory_bytes
    assert second.instance.folder == world.folder / "jobs" / "training-job" / "pair" / "1" / "algo-2"
    assert not set(first.cpus) & set(second.cpus)


def test_jobs_wait_in_the_queue_and_never_share_a_core(world: Any) -> None:
    for number in range(5):
        world.create(f"job-{number}")
    world.tick()
    assert [spec.instance.job_name for spec in world.executor.started] == ["job-0", "job-1"]
    world.tick()
    positions = [str(world.service.queue_position(world.job(f"job-{number}"))) for number in range(5)]
    assert positions == ["None", "None", "1 of 3 in the queue", "2 of 3 in the queue", "3 of 3 in the queue"]
    assert sorted(cpu for spec in world.executor.started for cpu in spec.cpus) == [0, 1]
    for number in range(5):
        world.set_reports(f"job-{number}", world.ended(Phase.COMPLETED))
        world.tick(2)
        alive = world.executor.alive
        cpus = [cpu for spec in world.executor.started if spec.instance in alive for cpu in spec.cpus]
        assert len(cpus) == len(set(cpus))
    assert {world.phase(f"job-{number}") for number in range(5)} == {Phase.COMPLETED}
    assert len(world.executor.started) == 5


def test_a_higher_priority_is_placed_first(world: Any) -> None:
    world.create("running", cores=2)
    world.tick()
    world.create("early", cores=2)
    world.create("urgent", cores=2, priority=3)
    world.tick()
    assert world.service.queue_position(world.job("urgent")).position == 1
    world.set_reports("running", world.ended(Phase.COMPLETED))
    world.tick(2)
    assert (world.phase("urgent"), world.phase("early")) == (Phase.STARTING, Phase.PENDING)


def test_run_reacts_to_a_wake_up_and_to_the_stop(world: Any) -> None:
    stop, started = threading.Event(), threading.Event()
    world.executor.on_start = lambda _: started.set()
    thread = threading.Thread(target=world.supervisor.run, args=(stop,))
    thread.start()
    try:
        world.create("one")
        assert started.wait(10)
    finally:
        stop.set()
        world.service.wake_event.wake()
        thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("error", "message"), [(StorageFull("no room"), "no room; trying again"), (KeyError("ours"), "a pass failed")]
)
def test_a_failed_pass_does_not_end_the_supervisor(
    world: Any, caplog: pytest.LogCaptureFixture, error: Exception, message: str
) -> None:
    stop, failed = threading.Event(), threading.Event()

    def unfinished() -> tuple[Any, ...]:
        failed.set()
        stop.set()
        world.service.wake_event.wake()
        raise error

    world.store.unfinished_jobs = unfinished
    world.supervisor.run(stop)
    assert failed.is_set()
    assert message in caplog.text


def test_a_problem_with_one_job_does_not_hold_up_the_others(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    world.create("first")
    world.create("second")
    report = world.executor.report

    def failing_report(instance: Any) -> InstanceReport | None:
        if instance.job_name == "first":
            raise OSError("the disk is gone")
        return report(instance)

    world.set_reports("second", world.ended(Phase.COMPLETED))
    world.executor.report = failing_report
    world.tick(4)
    assert world.phase("second") is Phase.COMPLETED
    assert caplog.text.count("the disk is gone") == 1


class LostLock:
    """A lock on a database that another server took."""

    is_lost = True

    def is_held(self) -> bool:
        return not self.is_lost

    def reacquire(self) -> None:
        if self.is_lost:
            raise Unavailable("in use by another server")

    def release(self) -> None: ...


def test_no_job_is_moved_while_the_lock_of_the_store_is_lost(world: Any) -> None:
    world.create("one")
    world.supervisor.store_lock = lock = LostLock()
    with pytest.raises(Unavailable, match="another server"):
        world.tick()
    assert world.executor.started == []
    lock.is_lost = False
    world.tick()
    assert world.phase("one") is Phase.STARTING


def test_each_end_is_announced_once(world: Any) -> None:
    world.create("one")
    world.create("two", cores=2)
    world.tick()
    world.service.stop(JobKind.TRAINING, "two")
    world.set_reports("one", world.ended(Phase.COMPLETED))
    world.tick(4)
    assert [job.name for job in world.ended_jobs] == ["two", "one"]
