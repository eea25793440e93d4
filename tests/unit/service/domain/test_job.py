import dataclasses
import datetime as dt

import pytest

from naiad.service.domain.errors import IllegalMove
from naiad.service.domain.job import Job, JobKind, ResourceRequest, Transition
from naiad.service.domain.status import MOVES, STATUS_OF, Phase, Status


def at(seconds: int) -> dt.datetime:
    return dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)


JOB = Job(
    JobKind.TRAINING,
    "a",
    "eu-west-1",
    {},
    ResourceRequest(1, 1, 1),
    at(0),
    at(0),
    access_key="AKIA1",
    secret_key="hidden",
)


def job_after(*phases: Phase) -> Job:
    job = JOB
    for seconds, phase in enumerate(phases, start=1):
        job = job.to(phase, at=at(seconds), message=phase.value)
    return job


@pytest.mark.parametrize("start", Phase)
@pytest.mark.parametrize("goal", Phase)
def test_only_the_moves_of_the_table_are_allowed(start, goal):
    job = dataclasses.replace(JOB, phase=start)
    if goal in MOVES[start]:
        assert job.to(goal, at=at(1)).phase is goal
    else:
        with pytest.raises(IllegalMove, match=f"training-job a cannot go from {start} to {goal}"):
            job.to(goal, at=at(1))


@pytest.mark.parametrize("phase", Phase)
def test_the_status_is_that_of_the_phase(phase):
    assert dataclasses.replace(JOB, phase=phase).status is STATUS_OF[phase]


def test_a_move_does_not_change_the_old_record():
    after = JOB.to(Phase.STARTING, at=at(1))
    assert (JOB.phase, JOB.transitions, JOB.modified_at) == (Phase.PENDING, (), at(0))
    assert (after.phase, after.modified_at, after.created_at) == (Phase.STARTING, at(1), at(0))


def test_a_move_ends_the_last_transition_and_begins_its_own():
    assert job_after(Phase.STARTING, Phase.TRAINING).transitions == (
        Transition(Phase.STARTING, at(1), at(2), "Starting"),
        Transition(Phase.TRAINING, at(2), None, "Training"),
    )


def test_the_final_transition_has_an_end():
    job = job_after(Phase.STARTING, Phase.TRAINING, Phase.FAILED)
    assert job.transitions[-2:] == (
        Transition(Phase.TRAINING, at(2), at(3), "Training"),
        Transition(Phase.FAILED, at(3), at(3), "Failed"),
    )
    assert (job.ended_at, job.status) == (at(3), Status.FAILED)


def test_each_start_is_an_attempt_and_the_time_of_the_first_is_kept():
    job = job_after(Phase.STARTING, Phase.TRAINING, Phase.PENDING, Phase.STARTING, Phase.TRAINING)
    assert (job.attempt, job.started_at, job.ended_at) == (2, at(2), None)
    assert job_after(Phase.STARTING).started_at is None


def test_a_job_that_never_ran_has_no_start_time():
    job = job_after(Phase.STOPPED)
    assert (job.attempt, job.started_at, job.ended_at, job.status) == (0, None, at(1), Status.STOPPED)


def test_a_failure_reason_is_kept_until_there_is_another():
    failed = JOB.to(Phase.FAILED, at=at(1), failure_reason="out of memory")
    assert failed.failure_reason == "out of memory"
    assert dataclasses.replace(JOB, failure_reason="x").to(Phase.STOPPED, at=at(1)).failure_reason == "x"


def test_the_arn_names_kind_region_and_job():
    assert JOB.arn == "arn:aws:sagemaker:eu-west-1:000000000000:training-job/a"


def test_the_secret_is_not_shown():
    assert "hidden" not in repr(JOB)


def test_a_job_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        JOB.phase = Phase.FAILED
