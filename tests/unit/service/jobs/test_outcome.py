"""The decisions on a job, for the reports of its instances."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from naiad.service.domain.job import Job
from naiad.service.domain.status import Phase
from naiad.service.executors.port import InstanceReport
from naiad.service.jobs.outcome import (
    LOST_PREFIX,
    MAX_LOST_ATTEMPTS,
    RETRIED_PREFIX,
    Action,
    decide,
    overdue_reason,
    phases_to,
)

RUNS = InstanceReport(Phase.TRAINING, alive=True)
STORES = InstanceReport(Phase.UPLOADING, alive=True)
DONE = InstanceReport(Phase.COMPLETED, alive=False)
GONE = InstanceReport(Phase.TRAINING, alive=False)
STOPPED = InstanceReport(Phase.STOPPED, alive=False)
PAUSED = InstanceReport(Phase.PAUSED, alive=False, message="paused at epoch 3")
LATE = InstanceReport(Phase.MAX_RUNTIME_EXCEEDED, alive=False)
BAD = InstanceReport(Phase.FAILED, alive=False, failure_reason="AlgorithmError: x")
OURS = InstanceReport(Phase.FAILED, alive=False, failure_reason="InternalServerError: y")


@pytest.fixture
def job_in(world: Any) -> Callable[..., Job]:
    """Makes a job of two instances in a phase, after some lost attempts and some retries."""

    def make(phase: Phase, *, losses: int = 0, retries: int = 0, **changed: Any) -> Job:
        job: Job = world.create("one", instances=2, **changed)
        now = world.clock.now()
        for prefix in [LOST_PREFIX] * losses + [RETRIED_PREFIX] * retries:
            job = job.to(Phase.STARTING, at=now).to(Phase.PENDING, at=now, message=f"{prefix}it was")
        job = job.to(Phase.STARTING, at=now)
        return job if phase is Phase.STARTING else job.to(phase, at=now)

    return make


@pytest.mark.parametrize(
    ("phase", "reports", "action", "goal"),
    [
        (Phase.STARTING, (RUNS, RUNS), Action.ADVANCE, Phase.TRAINING),
        (Phase.STARTING, (RUNS, InstanceReport(Phase.DOWNLOADING, alive=True)), Action.ADVANCE, Phase.DOWNLOADING),
        (Phase.TRAINING, (RUNS, STORES), Action.NONE, Phase.TRAINING),
        (Phase.TRAINING, (DONE, STORES), Action.ADVANCE, Phase.UPLOADING),
        (Phase.TRAINING, (DONE, DONE), Action.END, Phase.COMPLETED),
        (Phase.TRAINING, (GONE, RUNS), Action.RETRY, Phase.PENDING),
        (Phase.TRAINING, (STOPPED, RUNS), Action.RETRY, Phase.PENDING),
        (Phase.TRAINING, (GONE, BAD), Action.RETRY, Phase.PENDING),
        (Phase.TRAINING, (BAD, RUNS), Action.STOP_INSTANCES, Phase.TRAINING),
        (Phase.TRAINING, (BAD, STOPPED), Action.END, Phase.FAILED),
        (Phase.TRAINING, (LATE, LATE), Action.END, Phase.MAX_RUNTIME_EXCEEDED),
        (Phase.TRAINING, (LATE, BAD), Action.END, Phase.FAILED),
        (Phase.TRAINING, (PAUSED, PAUSED), Action.PAUSE, Phase.PAUSED),
        (Phase.TRAINING, (PAUSED, RUNS), Action.NONE, Phase.TRAINING),
        (Phase.TRAINING, (PAUSED, BAD), Action.END, Phase.FAILED),
        (Phase.TRAINING, (PAUSED, GONE), Action.RETRY, Phase.PENDING),
        (Phase.STOPPING, (PAUSED, PAUSED), Action.END, Phase.STOPPED),
        (Phase.STOPPING, (RUNS, STOPPED), Action.STOP_INSTANCES, Phase.STOPPING),
        (Phase.STOPPING, (STOPPED, GONE), Action.END, Phase.STOPPED),
        (Phase.STOPPING, (STOPPED, BAD), Action.END, Phase.STOPPED),
        (Phase.STOPPING, (DONE, DONE), Action.END, Phase.COMPLETED),
    ],
)
def test_decisions(job_in: Any, phase: Phase, reports: tuple[InstanceReport, ...], action: Action, goal: Phase) -> None:
    decision = decide(job_in(phase), reports)
    assert (decision.action, decision.phase) == (action, goal)


def test_a_job_fails_after_too_many_lost_attempts(job_in: Any) -> None:
    job = job_in(Phase.TRAINING, losses=MAX_LOST_ATTEMPTS - 1)
    decision = decide(job, (GONE, RUNS))
    assert (decision.action, decision.phase) == (Action.END, Phase.FAILED)
    assert (decision.failure_reason or "").startswith("InternalServerError: the agent of algo-1 ended in attempt 5")


@pytest.mark.parametrize(
    ("report", "retries", "action"),
    [(OURS, 0, Action.RETRY), (OURS, 1, Action.RETRY), (OURS, 2, Action.END), (BAD, 0, Action.END)],
)
def test_only_internal_failures_are_retried(job_in: Any, report: InstanceReport, retries: int, action: Action) -> None:
    job = job_in(Phase.TRAINING, retries=retries, RetryStrategy={"MaximumRetryAttempts": 2})
    assert decide(job, (report, DONE)).action is action


def test_the_first_message_of_an_instance_is_that_of_the_job(job_in: Any) -> None:
    with_message = InstanceReport(Phase.COMPLETED, alive=False, message="fine", exit_message="all is well")
    decision = decide(job_in(Phase.TRAINING), (DONE, with_message))
    assert (decision.message, decision.exit_message, decision.failure_reason) == ("fine", "all is well", None)


def test_a_fast_job_passes_through_each_phase() -> None:
    assert phases_to(Phase.STARTING, Phase.UPLOADING) == (Phase.DOWNLOADING, Phase.TRAINING, Phase.UPLOADING)
    assert phases_to(Phase.TRAINING, Phase.COMPLETED) == (Phase.UPLOADING, Phase.COMPLETED)
    assert phases_to(Phase.STARTING, Phase.FAILED) == (Phase.FAILED,)
    assert phases_to(Phase.TRAINING, Phase.PAUSED) == (Phase.UPLOADING, Phase.PAUSED)


@pytest.mark.parametrize(("waited_s", "reason"), [(10, ""), (7300, "MaxPendingTimeInSeconds: it waited for more than")])
def test_it_must_not_wait_too_long(world: Any, waited_s: int, reason: str) -> None:
    condition = {"MaxRuntimeInSeconds": 60, "MaxPendingTimeInSeconds": 7200}
    job = world.create("one", StoppingCondition=condition)
    world.clock.advance(waited_s)

    def since_s(at: dt.datetime) -> float:
        return float((world.clock.now() - at).total_seconds())

    assert overdue_reason(job, since_s).startswith(reason)
    assert bool(overdue_reason(job, since_s)) is bool(reason)
    running = job.to(Phase.STARTING, at=world.clock.now())
    assert overdue_reason(running, since_s) == ""
