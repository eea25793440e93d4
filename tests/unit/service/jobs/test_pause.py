"""A job that pauses holds no cores, stays InProgress, and goes on as a further attempt when it is resumed."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase, Status
from naiad.service.executors.port import InstanceReport
from naiad.service.jobs.pause import may_pause, pause_message, paused_epoch, read_pause, seconds_before_pauses

PAUSED = InstanceReport(Phase.PAUSED, alive=False, message=pause_message(3))


@pytest.fixture
def paused(world: Any) -> Any:
    """Two cores are there; the job ``one`` has both, and pauses."""
    world.create("one", cores=2)
    world.tick()
    world.create("two", cores=2)
    world.tick()
    assert world.phase("two") is Phase.PENDING
    world.set_reports("one", PAUSED)
    world.set_reports("one", PAUSED, world.running(Phase.TRAINING))
    world.executor._scripts.clear()
    world.tick()
    return world


def test_a_paused_job_gives_its_cores_to_the_next_one(paused: Any) -> None:
    job = paused.job("one")
    assert (job.phase, job.status, paused_epoch(job)) == (Phase.PAUSED, Status.IN_PROGRESS, 3)
    assert [transition.phase for transition in job.transitions][-3:] == [Phase.TRAINING, Phase.UPLOADING, Phase.PAUSED]
    paused.tick()
    assert paused.phase("two") is Phase.STARTING
    paused.tick(5)
    assert paused.phase("one") is Phase.PAUSED
    assert paused.ended_jobs == []


def test_it_goes_on_as_a_further_attempt(paused: Any) -> None:
    paused.tick()
    job = paused.service.resume(JobKind.TRAINING, "one", "promoted")
    assert (job.phase, job.transitions[-1].message) == (Phase.PENDING, "promoted")
    paused.tick(2)
    assert paused.phase("one") is Phase.PENDING
    paused.set_reports("two", paused.ended(Phase.COMPLETED))
    paused.tick(2)
    job = paused.job("one")
    assert (job.phase, job.attempt) == (Phase.STARTING, 2)
    paused.set_reports("one", paused.ended(Phase.COMPLETED))
    paused.tick()
    assert paused.job("one").status is Status.COMPLETED


def test_only_a_paused_job_is_resumed(paused: Any) -> None:
    paused.tick()
    before = paused.job("two")
    assert paused.service.resume(JobKind.TRAINING, "two", "promoted") == before


def test_a_paused_job_is_stopped_at_once(paused: Any) -> None:
    job = paused.service.stop(JobKind.TRAINING, "one")
    assert (job.status, job.transitions[-1].message) == (Status.STOPPED, "stopped while it was paused")
    paused.tick()
    assert [one.name for one in paused.ended_jobs] == ["one"]


def test_a_restarted_server_finds_it_paused(paused: Any) -> None:
    paused.restart()
    paused.tick(3)
    assert paused.phase("one") is Phase.PAUSED
    assert paused.phase("two") is Phase.STARTING


def test_only_a_trial_of_a_tuning_job_may_pause() -> None:
    asked = {"HyperParameters": {"_naiad_pause_at_epochs": "1,3"}}
    assert may_pause({**asked, "TuningJobArn": "arn"})
    assert not may_pause(asked)
    assert not may_pause({"TuningJobArn": "arn"})


@pytest.mark.parametrize(
    ("status", "text", "epoch"),
    [
        (75, json.dumps({"paused_at": 3, "objective": 0.9}), 3),
        (0, json.dumps({"paused_at": 3}), None),
        (75, "", None),
        (75, "[]", None),
        (75, "{", None),
        (75, json.dumps({"paused_at": "3"}), None),
        (75, json.dumps({"paused_at": 0}), None),
        (75, "[" * 100_000, None),
    ],
)
def test_a_pause_is_a_status_and_a_file(tmp_path: Path, status: int, text: str, epoch: int | None) -> None:
    (tmp_path / "output").mkdir()
    if text:
        (tmp_path / "output" / "naiad-pause.json").write_text(text)
    assert read_pause(status, tmp_path) == epoch


def test_the_time_before_a_pause_counts_for_the_limit(paused: Any) -> None:
    job = paused.job("one")
    started, ended = job.transitions[1].started_at, job.transitions[-1].started_at
    assert seconds_before_pauses(job) == (ended - started).total_seconds() > 0
    lost = job.to(Phase.PENDING, at=ended).to(Phase.STARTING, at=ended + dt.timedelta(hours=1))
    lost = lost.to(Phase.PENDING, at=ended + dt.timedelta(hours=2), message="lost: its agent")
    assert seconds_before_pauses(lost) == seconds_before_pauses(job)
    paused.set_reports("two", paused.ended(Phase.COMPLETED))
    paused.tick()
    paused.service.resume(JobKind.TRAINING, "one", "promoted")
    paused.tick(3)
    [first, *_, last] = [spec for spec in paused.executor.started if spec.instance.job_name == "one"]
    assert (first.seconds_before, last.seconds_before) == (0.0, seconds_before_pauses(job))
