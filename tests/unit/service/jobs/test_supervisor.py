"""A job's life, told by scripted agents; and the same life with a new server after every step."""

import threading
from pathlib import Path
from typing import Any

import pytest

from naiad.service.contract.resources import Resources
from naiad.service.domain.errors import StorageFull, Unavailable
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import STATUS_OF, Phase
from naiad.service.executors.port import InstanceReport, InstanceSpec

GIB = 1024**3
WHOLE_LIFE = (Phase.STARTING, Phase.DOWNLOADING, Phase.TRAINING, Phase.UPLOADING)


def at_work(phase: Phase) -> InstanceReport:
    return InstanceReport(phase, alive=True)


def ended(phase: Phase, reason: str | None = None, message: str | None = None) -> InstanceReport:
    return InstanceReport(phase, alive=False, failure_reason=reason, exit_message=message)


def phases(world: Any, name: str) -> list[Phase]:
    return [past.phase for past in world.job(name).transitions]


def test_a_whole_life(world: Any) -> None:
    world.create("one")
    world.play("one", *(at_work(phase) for phase in WHOLE_LIFE), ended(Phase.COMPLETED))
    seen = []
    for _ in range(8):
        world.tick()
        seen.append(world.phase("one"))
    job = world.job("one")
    assert list(dict.fromkeys(seen)) == [*WHOLE_LIFE, Phase.COMPLETED]
    assert phases(world, "one") == [Phase.PENDING, *WHOLE_LIFE, Phase.COMPLETED]
    assert job.attempt == 1
    assert job.started_at is not None
    assert job.ended_at is not None
    assert job.created_at < job.started_at < job.ended_at
    assert [past.ended_at is None for past in job.transitions] == [False] * 6
    assert world.store.unfinished() == ()


def test_a_job_quicker_than_our_looking_has_been_in_every_phase(world: Any) -> None:
    world.create("quick")
    world.play("quick", ended(Phase.COMPLETED, message="all good"))
    world.tick(2)
    assert phases(world, "quick") == [Phase.PENDING, *WHOLE_LIFE, Phase.COMPLETED]
    assert world.job("quick").started_at is not None
    assert world.job("quick").exit_message == "all good"


def test_an_agent_is_told_everything_it_needs(world: Any) -> None:
    job = world.create("told", instances=2)
    world.tick()
    first, second = world.executor.started
    assert isinstance(first, InstanceSpec)
    assert first.hosts == second.hosts == ("algo-1", "algo-2")
    assert (first.access_key, first.secret_key) == (job.access_key, job.secret_key)
    assert first.request == job.request
    assert first.arn == job.arn
    assert first.memory_bytes == job.need.memory_bytes
    assert second.instance.folder == world.folder / "jobs" / "training-job" / "told" / "1" / "algo-2"
    assert not set(first.cpus) & set(second.cpus)


def test_jobs_queue_and_never_share_a_core(world: Any) -> None:
    for number in range(5):
        world.create(f"job-{number}")
    world.tick()
    assert [spec.instance.job_name for spec in world.executor.started] == ["job-0", "job-1"]
    world.tick()
    places = [str(world.service.place_of(world.job(f"job-{number}"))) for number in range(5)]
    assert places == ["None", "None", "1 of 3 in the queue", "2 of 3 in the queue", "3 of 3 in the queue"]
    assert sorted(cpu for spec in world.executor.started for cpu in spec.cpus) == [0, 1]
    for number in range(5):
        world.play(f"job-{number}", ended(Phase.COMPLETED))
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
    assert world.service.place_of(world.job("urgent")).position == 1
    world.play("running", ended(Phase.COMPLETED))
    world.tick(2)
    assert (world.phase("urgent"), world.phase("early")) == (Phase.STARTING, Phase.PENDING)


def test_a_phase_is_that_of_the_last_instance(world: Any) -> None:
    world.create("pair", instances=2)
    world.tick()
    world.play("pair", at_work(Phase.TRAINING))
    world.tick()
    assert world.phase("pair") is Phase.STARTING
    world.play("pair", at_work(Phase.DOWNLOADING), host="algo-2")
    world.tick()
    assert world.phase("pair") is Phase.DOWNLOADING
    world.play("pair", ended(Phase.COMPLETED))
    world.play("pair", at_work(Phase.TRAINING), host="algo-2")
    world.tick()
    assert world.phase("pair") is Phase.TRAINING
    world.play("pair", ended(Phase.COMPLETED), host="algo-2")
    world.tick()
    assert world.phase("pair") is Phase.COMPLETED


def test_one_failed_instance_stops_the_others_and_gives_the_reason(world: Any) -> None:
    world.create("pair", instances=2)
    world.tick()
    world.play("pair", ended(Phase.FAILED, "AlgorithmError: ZeroDivisionError in train.py, line 3"), host="algo-2")
    world.play("pair", at_work(Phase.TRAINING))
    world.tick()
    assert [instance.host for instance in world.executor.stopped] == ["algo-1"]
    world.tick()
    job = world.job("pair")
    assert job.phase is Phase.FAILED
    assert job.failure_reason == "AlgorithmError: ZeroDivisionError in train.py, line 3"
    assert world.executor.killed == []


@pytest.mark.parametrize("phase", WHOLE_LIFE)
def test_a_stop_in_each_phase(world: Any, phase: Phase) -> None:
    world.create("one")
    world.play("one", at_work(phase))
    world.tick(2)
    assert world.phase("one") is phase
    for _ in range(2):
        assert world.service.stop(JobKind.TRAINING, "one").phase is Phase.STOPPING
    world.tick(2)
    assert world.phase("one") is Phase.STOPPED
    assert world.job("one").status == "Stopped"
    assert len(world.executor.stopped) == 1
    assert world.service.stop(JobKind.TRAINING, "one").phase is Phase.STOPPED


def test_a_job_that_waits_stops_at_once_and_never_starts(world: Any) -> None:
    world.create("one")
    assert world.service.stop(JobKind.TRAINING, "one").phase is Phase.STOPPED
    world.tick(3)
    assert world.executor.started == []


def test_a_job_that_completed_before_the_stop_is_completed(world: Any) -> None:
    world.create("one")
    world.tick()
    world.play("one", ended(Phase.COMPLETED))
    world.service.stop(JobKind.TRAINING, "one")
    world.tick()
    assert world.phase("one") is Phase.COMPLETED


def test_a_program_that_fails_while_it_is_stopped_is_stopped_and_says_why(world: Any) -> None:
    world.create("one")
    world.tick()
    world.service.stop(JobKind.TRAINING, "one")
    world.play("one", ended(Phase.FAILED, "ended by SIGTERM"))
    world.tick()
    job = world.job("one")
    assert (job.phase, job.failure_reason) == (Phase.STOPPED, "ended by SIGTERM")


def test_its_own_time_limit_stops_a_job(world: Any) -> None:
    world.create("one", instances=2)
    world.tick()
    world.play("one", ended(Phase.MAX_RUNTIME_EXCEEDED))
    world.tick(2)
    job = world.job("one")
    assert (job.phase, job.status) == (Phase.MAX_RUNTIME_EXCEEDED, "Stopped")


def test_a_lost_agent_is_fenced_and_the_job_starts_again(world: Any) -> None:
    world.create("pair", instances=2)
    world.play("pair", at_work(Phase.TRAINING))
    world.play("pair", at_work(Phase.TRAINING), host="algo-2")
    world.tick(2)
    world.executor.lose(world.executor.started[0].instance)
    world.tick()
    assert [instance.host for instance in world.executor.killed] == ["algo-1", "algo-2"]
    assert "lost: the agent of algo-1" in world.job("pair").transitions[-2].message
    assert (world.phase("pair"), world.job("pair").attempt) == (Phase.STARTING, 2)
    world.play("pair", ended(Phase.COMPLETED))
    world.play("pair", ended(Phase.COMPLETED), host="algo-2")
    world.tick(2)
    assert world.phase("pair") is Phase.COMPLETED
    assert [spec.instance.attempt for spec in world.executor.started] == [1, 1, 2, 2]


def test_a_loss_wins_over_the_failure_that_follows_from_it(world: Any) -> None:
    world.create("pair", instances=2)
    world.tick()
    world.executor.lose(world.executor.started[0].instance)
    world.play("pair", ended(Phase.FAILED, "connection closed by peer"), host="algo-2")
    world.tick()
    assert world.job("pair").attempt == 2


def test_an_agent_that_stopped_unasked_is_lost(world: Any) -> None:
    world.create("one")
    world.tick()
    world.play("one", ended(Phase.STOPPED))
    world.tick()
    assert world.job("one").attempt == 2


def test_five_lost_attempts_are_enough(world: Any) -> None:
    world.create("cursed")
    for _ in range(12):
        world.tick()
        for instance in world.executor.alive:
            world.executor.lose(instance)
    job = world.job("cursed")
    assert (job.phase, job.attempt) == (Phase.FAILED, 5)
    assert job.failure_reason is not None
    assert job.failure_reason.startswith("InternalServerError: the agent of algo-1")
    assert len(world.executor.started) == 5


def test_retry_strategy_is_for_internal_errors_only(world: Any) -> None:
    world.create("inner", RetryStrategy={"MaximumRetryAttempts": 2})
    world.create("outer", RetryStrategy={"MaximumRetryAttempts": 2})
    world.play("inner", ended(Phase.FAILED, "InternalServerError: the channel could not be read"))
    world.play("outer", ended(Phase.FAILED, "AlgorithmError: bad shape"))
    world.tick(10)
    assert (world.phase("inner"), world.job("inner").attempt) == (Phase.FAILED, 3)
    assert (world.phase("outer"), world.job("outer").attempt) == (Phase.FAILED, 1)


def test_a_job_that_cannot_be_started_fails_with_the_reason(world: Any) -> None:
    def full(spec: InstanceSpec) -> None:
        if spec.instance.index == 1:
            raise StorageFull("no room is left in the state folder")

    world.executor.on_start = full
    world.create("pair", instances=2)
    world.tick()
    job = world.job("pair")
    assert job.failure_reason == "could not be started: no room is left in the state folder"
    assert world.executor.alive == []


def written(folder: Path) -> Path:
    """What a program has left there."""
    (folder / "ml").mkdir(parents=True)
    (folder / "ml" / "large").write_bytes(b"x" * 100)
    return folder / "ml"


def test_a_full_disk_fails_the_next_attempt_and_takes_what_the_last_one_left(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.create("large")
    world.tick()
    (instance,) = world.service.instances(world.job("large"))
    left = written(instance.folder)
    world.executor.lose(instance)

    def full(*_: object, **__: object) -> None:
        raise StorageFull("no room is left on the disk for placement.json")

    monkeypatch.setattr("naiad.service.jobs.supervisor.write_placement", full)
    world.tick(2)
    job = world.job("large")
    assert (job.phase, job.attempt) == (Phase.FAILED, 1)
    assert job.failure_reason == "could not be started: no room is left on the disk for placement.json"
    assert not left.exists()


def test_a_store_without_room_gets_that_of_the_program(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end is not told before it is in the store."""
    world.create("large")
    world.tick()
    (instance,) = world.service.instances(world.job("large"))
    left = written(instance.folder)
    world.play("large", ended(Phase.FAILED, "ClientError: no room is left"))
    update = world.store.update

    def update_with_room(*given: Any, **named: Any) -> None:
        if left.exists():
            raise StorageFull("no room is left for the store's database")
        update(*given, **named)

    monkeypatch.setattr(world.store, "update", update_with_room)
    world.tick()
    assert world.job("large").failure_reason == "ClientError: no room is left"


def test_spot_jobs_wait_no_longer_than_they_said(world: Any) -> None:
    spot = {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 100},
    }
    world.create("runs", cores=2, **spot)
    world.tick()
    world.create("waits", cores=2, **spot)
    world.clock.advance(101)
    world.tick(3)
    assert (world.phase("runs"), world.phase("waits")) == (Phase.MAX_WAIT_TIME_EXCEEDED, Phase.MAX_WAIT_TIME_EXCEEDED)
    assert (world.job("runs").status, world.job("waits").status) == ("Stopped", "Stopped")
    assert "waited and ran for more than 100 s" in world.job("runs").transitions[-1].message
    assert "MaxWaitTimeExceeded" in world.job("waits").transitions[-1].message
    assert [spec.instance.job_name for spec in world.executor.started] == ["runs"]


def test_a_smaller_machine_than_the_one_that_accepted_it_says_so(world: Any) -> None:
    world.create("large", cores=2)
    world.supervisor.resources = Resources((0,), 16 * GIB)
    world.tick()
    assert "accepted by a larger machine" in world.job("large").failure_reason


def test_a_job_whose_folder_was_taken_away_starts_again(world: Any) -> None:
    world.create("one")
    world.tick()
    (world.folder / "jobs" / "training-job" / "one" / "1" / "placement.json").unlink()
    world.executor.lose(world.executor.started[0].instance)
    world.restart()
    world.tick(2)
    assert world.job("one").attempt == 2


def play_through(world: Any, *, restart_before: int | None) -> tuple[list[Phase], list[int]]:
    """Three jobs: two instances that complete, one that is lost once, one that fails. A new server before the given step."""
    world.create("pair", instances=2)
    world.create("lost")
    world.create("fails")
    for host in ("algo-1", "algo-2"):
        world.play("pair", at_work(Phase.STARTING), at_work(Phase.TRAINING), ended(Phase.COMPLETED), host=host)
    world.play("lost", at_work(Phase.TRAINING))
    world.play("fails", at_work(Phase.DOWNLOADING), at_work(Phase.TRAINING), ended(Phase.FAILED, "AlgorithmError: no"))
    for step in range(20):
        if step == restart_before:
            world.restart()
        world.tick()
        lost = [instance for instance in world.executor.alive if instance.job_name == "lost" and instance.attempt == 1]
        if step > 8 and lost:
            world.executor.lose(lost[0])
            world.play("lost", ended(Phase.COMPLETED))
    names = ("pair", "lost", "fails")
    return [world.phase(name) for name in names], [world.job(name).attempt for name in names]


@pytest.mark.parametrize("step", [None, *range(0, 15, 2)])
def test_a_new_server_at_any_step_leads_to_the_same_end(world: Any, step: int | None) -> None:
    assert play_through(world, restart_before=step) == (
        [Phase.COMPLETED, Phase.COMPLETED, Phase.FAILED],
        [1, 2, 1],
    )
    assert len(world.executor.started) == len({spec.instance for spec in world.executor.started}) == 5
    for name in ("pair", "lost", "fails"):
        finals = [past for past in world.job(name).transitions if STATUS_OF[past.phase].is_final]
        assert len(finals) == 1


class Killed(BaseException):
    """A kill -9 of the server, at a write."""


@pytest.mark.parametrize("write", range(8))
@pytest.mark.parametrize("is_before", [True, False])
def test_a_kill_around_any_write_of_the_store(world: Any, write: int, is_before: bool) -> None:
    update, writes = world.store.update, []

    def killing(job: Any, *, before: Any) -> None:
        writes.append(job)
        if len(writes) - 1 == write and is_before:
            raise Killed
        update(job, before=before)
        if len(writes) - 1 == write:
            raise Killed

    world.store.update = killing
    world.create("pair", instances=2)
    world.create("next", cores=2)
    for name, host in (("pair", "algo-1"), ("pair", "algo-2"), ("next", "algo-1")):
        world.play(name, at_work(Phase.STARTING), at_work(Phase.TRAINING), ended(Phase.COMPLETED), host=host)
    for _ in range(16):
        try:
            world.tick()
        except Killed:
            world.restart()
    assert (world.phase("pair"), world.phase("next")) == (Phase.COMPLETED, Phase.COMPLETED)
    assert len(world.executor.started) == 3


@pytest.mark.parametrize("number", range(2))
def test_a_kill_between_the_starts_of_instances(world: Any, number: int) -> None:
    def killing(spec: InstanceSpec) -> None:
        if len(world.executor.started) == number and killing_armed.pop("armed", None):
            raise Killed

    killing_armed = {"armed": True}
    world.executor.on_start = killing
    world.create("pair", instances=2)
    for _ in range(4):
        try:
            world.tick()
        except Killed:
            world.restart()
    cpus = [cpu for spec in world.executor.started for cpu in spec.cpus]
    assert sorted(cpus) == [0, 1]
    assert world.job("pair").attempt == 1


def test_run_hears_the_bell_and_the_stop(world: Any) -> None:
    stop, started = threading.Event(), threading.Event()
    world.executor.on_start = lambda _: started.set()
    thread = threading.Thread(target=world.supervisor.run, args=(stop,))
    thread.start()
    try:
        world.create("one")
        assert started.wait(10)
    finally:
        stop.set()
        world.service.bell.ring()
        thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("error", "says"), [(StorageFull("no room"), "no room; trying again"), (KeyError("ours"), "a pass failed")]
)
def test_a_pass_that_breaks_does_not_end_the_supervisor(
    world: Any, caplog: pytest.LogCaptureFixture, error: Exception, says: str
) -> None:
    stop, broken = threading.Event(), threading.Event()

    def unfinished() -> tuple[Any, ...]:
        broken.set()
        stop.set()
        world.service.bell.ring()
        raise error

    world.store.unfinished = unfinished
    world.supervisor.run(stop)
    assert broken.is_set()
    assert says in caplog.text


def test_trouble_with_one_job_does_not_hold_up_the_others(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    world.create("first")
    world.create("second")
    report = world.executor.report

    def troubled(instance: Any) -> InstanceReport | None:
        if instance.job_name == "first":
            raise OSError("the disk is gone")
        return report(instance)

    world.play("second", ended(Phase.COMPLETED))
    world.executor.report = troubled
    world.tick(4)
    assert world.phase("second") is Phase.COMPLETED
    assert caplog.text.count("the disk is gone") == 1


def test_folders_are_private(world: Any) -> None:
    world.create("one")
    world.tick()
    folder: Path = world.folder / "jobs" / "training-job" / "one" / "1"
    for one in (folder, folder.parent, folder.parent.parent, folder.parent.parent.parent):
        assert one.stat().st_mode & 0o777 == 0o700


class Lost:
    """A hold on a database that another server took."""

    is_lost = True

    def still_held(self) -> bool:
        return not self.is_lost

    def regain(self) -> None:
        if self.is_lost:
            raise Unavailable("in use by another server")

    def release(self) -> None: ...


def test_nothing_is_moved_while_the_store_may_be_anothers(world: Any) -> None:
    world.create("one")
    world.supervisor.hold = hold = Lost()
    with pytest.raises(Unavailable, match="another server"):
        world.tick()
    assert world.executor.started == []
    hold.is_lost = False
    world.tick()
    assert world.phase("one") is Phase.STARTING


def test_each_end_is_told_once_whoever_wrote_it(world: Any) -> None:
    world.create("one")
    world.create("two", cores=2)
    world.tick()
    world.service.stop(JobKind.TRAINING, "two")
    world.play("one", ended(Phase.COMPLETED))
    world.tick(4)
    assert [job.name for job in world.ended] == ["two", "one"]
