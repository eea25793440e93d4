"""The steps of one job: how it is stopped, how it fails, and when it starts again."""

from pathlib import Path
from typing import Any

import pytest

from naiad.service.contract.machine_resources import MachineResources
from naiad.service.domain.errors import StorageFull
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import RUNNING_PHASES, Phase
from naiad.service.executors.port import InstanceSpec

GIB = 1024**3


def test_a_job_is_in_the_phase_of_its_slowest_instance(world: Any) -> None:
    world.create("pair", instances=2)
    world.tick()
    world.set_reports("pair", world.running(Phase.TRAINING))
    world.tick()
    assert world.phase("pair") is Phase.STARTING
    world.set_reports("pair", world.running(Phase.DOWNLOADING), host="algo-2")
    world.tick()
    assert world.phase("pair") is Phase.DOWNLOADING
    world.set_reports("pair", world.ended(Phase.COMPLETED))
    world.set_reports("pair", world.running(Phase.TRAINING), host="algo-2")
    world.tick()
    assert world.phase("pair") is Phase.TRAINING
    world.set_reports("pair", world.ended(Phase.COMPLETED), host="algo-2")
    world.tick()
    assert world.phase("pair") is Phase.COMPLETED


def test_a_failed_instance_stops_the_others_and_gives_the_reason(world: Any) -> None:
    world.create("pair", instances=2)
    world.tick()
    world.set_reports(
        "pair", world.ended(Phase.FAILED, "AlgorithmError: ZeroDivisionError in train.py, line 3"), host="algo-2"
    )
    world.set_reports("pair", world.running(Phase.TRAINING))
    world.tick()
    assert [instance.host for instance in world.executor.stopped] == ["algo-1"]
    world.tick()
    job = world.job("pair")
    assert job.phase is Phase.FAILED
    assert job.failure_reason == "AlgorithmError: ZeroDivisionError in train.py, line 3"
    assert world.executor.killed == []


@pytest.mark.parametrize("phase", RUNNING_PHASES)
def test_a_stop_in_each_phase(world: Any, phase: Phase) -> None:
    world.create("one")
    world.set_reports("one", world.running(phase))
    world.tick(2)
    assert world.phase("one") is phase
    for _ in range(2):
        assert world.service.stop(JobKind.TRAINING, "one").phase is Phase.STOPPING
    world.tick(2)
    assert world.phase("one") is Phase.STOPPED
    assert world.job("one").status == "Stopped"
    assert len(world.executor.stopped) == 1
    assert world.service.stop(JobKind.TRAINING, "one").phase is Phase.STOPPED


def test_a_waiting_job_stops_at_once_and_never_starts(world: Any) -> None:
    world.create("one")
    assert world.service.stop(JobKind.TRAINING, "one").phase is Phase.STOPPED
    world.tick(3)
    assert world.executor.started == []


def test_a_job_that_completed_before_the_stop_is_completed(world: Any) -> None:
    world.create("one")
    world.tick()
    world.set_reports("one", world.ended(Phase.COMPLETED))
    world.service.stop(JobKind.TRAINING, "one")
    world.tick()
    assert world.phase("one") is Phase.COMPLETED


def test_a_program_that_fails_during_a_stop_is_stopped_with_its_reason(world: Any) -> None:
    world.create("one")
    world.tick()
    world.service.stop(JobKind.TRAINING, "one")
    world.set_reports("one", world.ended(Phase.FAILED, "ended by SIGTERM"))
    world.tick()
    job = world.job("one")
    assert (job.phase, job.failure_reason) == (Phase.STOPPED, "ended by SIGTERM")


def test_a_job_is_stopped_by_its_time_limit(world: Any) -> None:
    world.create("one", instances=2)
    world.tick()
    world.set_reports("one", world.ended(Phase.MAX_RUNTIME_EXCEEDED))
    world.tick(2)
    job = world.job("one")
    assert (job.phase, job.status) == (Phase.MAX_RUNTIME_EXCEEDED, "Stopped")


def test_after_a_lost_agent_all_are_killed_and_the_job_starts_again(world: Any) -> None:
    world.create("pair", instances=2)
    world.set_reports("pair", world.running(Phase.TRAINING))
    world.set_reports("pair", world.running(Phase.TRAINING), host="algo-2")
    world.tick(2)
    world.executor.lose(world.executor.started[0].instance)
    world.tick()
    assert [instance.host for instance in world.executor.killed] == ["algo-1", "algo-2"]
    assert "lost: the agent of algo-1" in world.job("pair").transitions[-2].message
    assert (world.phase("pair"), world.job("pair").attempt) == (Phase.STARTING, 2)
    world.set_reports("pair", world.ended(Phase.COMPLETED))
    world.set_reports("pair", world.ended(Phase.COMPLETED), host="algo-2")
    world.tick(2)
    assert world.phase("pair") is Phase.COMPLETED
    assert [spec.instance.attempt for spec in world.executor.started] == [1, 1, 2, 2]


def test_a_lost_agent_counts_more_than_a_failure_of_another(world: Any) -> None:
    world.create("pair", instances=2)
    world.tick()
    world.executor.lose(world.executor.started[0].instance)
    world.set_reports("pair", world.ended(Phase.FAILED, "connection closed by peer"), host="algo-2")
    world.tick()
    assert world.job("pair").attempt == 2


def test_an_agent_that_stopped_without_a_request_is_lost(world: Any) -> None:
    world.create("one")
    world.tick()
    world.set_reports("one", world.ended(Phase.STOPPED))
    world.tick()
    assert world.job("one").attempt == 2


def test_a_job_fails_after_five_lost_attempts(world: Any) -> None:
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


def test_only_internal_errors_are_retried(world: Any) -> None:
    world.create("inner", RetryStrategy={"MaximumRetryAttempts": 2})
    world.create("outer", RetryStrategy={"MaximumRetryAttempts": 2})
    world.set_reports("inner", world.ended(Phase.FAILED, "InternalServerError: the channel could not be read"))
    world.set_reports("outer", world.ended(Phase.FAILED, "AlgorithmError: bad shape"))
    world.tick(10)
    assert (world.phase("inner"), world.job("inner").attempt) == (Phase.FAILED, 3)
    assert (world.phase("outer"), world.job("outer").attempt) == (Phase.FAILED, 1)


def test_a_job_that_cannot_be_started_fails_with_the_reason(world: Any) -> None:
    def raise_storage_full(spec: InstanceSpec) -> None:
        if spec.instance.index == 1:
            raise StorageFull("no room is left in the state folder")

    world.executor.on_start = raise_storage_full
    world.create("pair", instances=2)
    world.tick()
    job = world.job("pair")
    assert job.failure_reason == "could not be started: no room is left in the state folder"
    assert world.executor.alive == []


def write_program_files(folder: Path) -> Path:
    """Writes a file into an instance's folder, as a program does, and returns its folder."""
    (folder / "ml").mkdir(parents=True)
    (folder / "ml" / "large").write_bytes(b"x" * 100)
    return folder / "ml"


def test_a_full_disk_fails_the_next_attempt_and_frees_the_files_of_the_last_one(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.create("large")
    world.tick()
    (instance,) = world.service.instances(world.job("large"))
    program_files = write_program_files(instance.folder)
    world.executor.lose(instance)

    def raise_storage_full(*_: object, **__: object) -> None:
        raise StorageFull("no room is left on the disk for placement.json")

    monkeypatch.setattr("naiad.service.jobs.placements.write_placement", raise_storage_full)
    world.tick(2)
    job = world.job("large")
    assert (job.phase, job.attempt) == (Phase.FAILED, 1)
    assert job.failure_reason == "could not be started: no room is left on the disk for placement.json"
    assert not program_files.exists()


def test_the_files_of_the_program_make_room_for_a_full_store(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end is not announced before it is in the store."""
    world.create("large")
    world.tick()
    (instance,) = world.service.instances(world.job("large"))
    program_files = write_program_files(instance.folder)
    world.set_reports("large", world.ended(Phase.FAILED, "ClientError: no room is left"))
    update = world.store.update

    def update_with_room(*arguments: Any, **options: Any) -> None:
        if program_files.exists():
            raise StorageFull("no room is left for the store's database")
        update(*arguments, **options)

    monkeypatch.setattr(world.store, "update", update_with_room)
    world.tick()
    assert world.job("large").failure_reason == "ClientError: no room is left"


def test_spot_jobs_are_stopped_by_their_wait_limit(world: Any) -> None:
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


@pytest.mark.parametrize("jump_s", [1e6, -1e6])
def test_a_clock_that_jumps_neither_stops_a_job_nor_lets_it_wait_on(world: Any, jump_s: float) -> None:
    spot = {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 100},
    }
    world.create("runs", cores=2, **spot)
    world.create("waits", cores=2, **spot)
    world.tick()
    world.clock.jump(jump_s)
    world.tick(3)
    assert (world.phase("runs"), world.phase("waits")) == (Phase.STARTING, Phase.PENDING)
    world.clock.advance(101)
    world.tick(3)
    assert (world.phase("runs"), world.phase("waits")) == (Phase.MAX_WAIT_TIME_EXCEEDED, Phase.MAX_WAIT_TIME_EXCEEDED)


def test_a_job_that_no_longer_fits_the_machine_fails(world: Any) -> None:
    world.create("large", cores=2)
    world.supervisor.steps.machine = MachineResources((0,), 16 * GIB)
    world.tick()
    assert "accepted by a larger machine" in world.job("large").failure_reason


def test_a_job_without_its_placement_file_starts_again(world: Any) -> None:
    world.create("one")
    world.tick()
    (world.folder / "jobs" / "training-job" / "one" / "1" / "placement.json").unlink()
    world.executor.lose(world.executor.started[0].instance)
    world.restart()
    world.tick(2)
    assert world.job("one").attempt == 2
