"""What becomes of a job, by what its instances report."""

from collections.abc import Callable
from typing import Any

import pytest

from naiad.service.domain.job import Job
from naiad.service.domain.status import Phase
from naiad.service.executors.port import InstanceReport
from naiad.service.jobs.outcome import LOST, MAX_LOST_ATTEMPTS, RETRIED, Do, judge, next_phases, overdue

RUNS = InstanceReport(Phase.TRAINING, alive=True)
STORES = InstanceReport(Phase.UPLOADING, alive=True)
DONE = InstanceReport(Phase.COMPLETED, alive=False)
GONE = InstanceReport(Phase.TRAINING, alive=False)
STOPPED = InstanceReport(Phase.STOPPED, alive=False)
LATE = InstanceReport(Phase.MAX_RUNTIME_EXCEEDED, alive=False)
BAD = InstanceReport(Phase.FAILED, alive=False, failure_reason="AlgorithmError: x")
OURS = InstanceReport(Phase.FAILED, alive=False, failure_reason="InternalServerError: y")


@pytest.fixture
def job_in(world: Any) -> Callable[..., Job]:
    """A job of two instances that has come so far, after ``losses`` and ``retries``."""

    def make(phase: Phase, *, losses: int = 0, retries: int = 0, **changed: Any) -> Job:
        job: Job = world.create("one", instances=2, **changed)
        now = world.clock.now()
        for beginning in [LOST] * losses + [RETRIED] * retries:
            job = job.to(Phase.STARTING, at=now).to(Phase.PENDING, at=now, message=f"{beginning}it was")
        job = job.to(Phase.STARTING, at=now)
        return job if phase is Phase.STARTING else job.to(phase, at=now)

    return make


@pytest.mark.parametrize(
    ("phase", "reports", "do", "goal"),
    [
        (Phase.STARTING, (RUNS, RUNS), Do.ADVANCE, Phase.TRAINING),
        (Phase.STARTING, (RUNS, InstanceReport(Phase.DOWNLOADING, alive=True)), Do.ADVANCE, Phase.DOWNLOADING),
        (Phase.TRAINING, (RUNS, STORES), Do.NOTHING, Phase.TRAINING),
        (Phase.TRAINING, (DONE, STORES), Do.ADVANCE, Phase.UPLOADING),
        (Phase.TRAINING, (DONE, DONE), Do.END, Phase.COMPLETED),
        (Phase.TRAINING, (GONE, RUNS), Do.AGAIN, Phase.PENDING),
        (Phase.TRAINING, (STOPPED, RUNS), Do.AGAIN, Phase.PENDING),
        (Phase.TRAINING, (GONE, BAD), Do.AGAIN, Phase.PENDING),
        (Phase.TRAINING, (BAD, RUNS), Do.STOP_INSTANCES, Phase.TRAINING),
        (Phase.TRAINING, (BAD, STOPPED), Do.END, Phase.FAILED),
        (Phase.TRAINING, (LATE, LATE), Do.END, Phase.MAX_RUNTIME_EXCEEDED),
        (Phase.TRAINING, (LATE, BAD), Do.END, Phase.FAILED),
        (Phase.STOPPING, (RUNS, STOPPED), Do.STOP_INSTANCES, Phase.STOPPING),
        (Phase.STOPPING, (STOPPED, GONE), Do.END, Phase.STOPPED),
        (Phase.STOPPING, (STOPPED, BAD), Do.END, Phase.STOPPED),
        (Phase.STOPPING, (DONE, DONE), Do.END, Phase.COMPLETED),
    ],
)
def test_verdicts(job_in: Any, phase: Phase, reports: tuple[InstanceReport, ...], do: Do, goal: Phase) -> None:
    verdict = judge(job_in(phase), reports)
    assert (verdict.do, verdict.phase) == (do, goal)


def test_it_is_given_up_after_some_losses(job_in: Any) -> None:
    job = job_in(Phase.TRAINING, losses=MAX_LOST_ATTEMPTS - 1)
    verdict = judge(job, (GONE, RUNS))
    assert (verdict.do, verdict.phase) == (Do.END, Phase.FAILED)
    assert (verdict.failure_reason or "").startswith("InternalServerError: the agent of algo-1 ended in attempt 5")


@pytest.mark.parametrize(
    ("report", "retries", "do"), [(OURS, 0, Do.AGAIN), (OURS, 1, Do.AGAIN), (OURS, 2, Do.END), (BAD, 0, Do.END)]
)
def test_only_our_own_failures_are_retried(job_in: Any, report: InstanceReport, retries: int, do: Do) -> None:
    job = job_in(Phase.TRAINING, retries=retries, RetryStrategy={"MaximumRetryAttempts": 2})
    assert judge(job, (report, DONE)).do is do


def test_what_is_told_is_the_first_that_was_said(job_in: Any) -> None:
    said = InstanceReport(Phase.COMPLETED, alive=False, message="fine", exit_message="all is well")
    verdict = judge(job_in(Phase.TRAINING), (DONE, said))
    assert (verdict.message, verdict.exit_message, verdict.failure_reason) == ("fine", "all is well", None)


def test_a_quick_job_has_passed_through_each_phase() -> None:
    assert next_phases(Phase.STARTING, Phase.UPLOADING) == (Phase.DOWNLOADING, Phase.TRAINING, Phase.UPLOADING)
    assert next_phases(Phase.TRAINING, Phase.COMPLETED) == (Phase.UPLOADING, Phase.COMPLETED)
    assert next_phases(Phase.STARTING, Phase.FAILED) == (Phase.FAILED,)


@pytest.mark.parametrize(("waited_s", "reason"), [(10, ""), (7300, "MaxPendingTimeInSeconds: it waited for more than")])
def test_it_must_not_wait_too_long(world: Any, waited_s: int, reason: str) -> None:
    condition = {"MaxRuntimeInSeconds": 60, "MaxPendingTimeInSeconds": 7200}
    job = world.create("one", StoppingCondition=condition)
    world.clock.advance(waited_s)
    assert overdue(job, world.clock.now()).startswith(reason)
    assert bool(overdue(job, world.clock.now())) is bool(reason)
    running = job.to(Phase.STARTING, at=world.clock.now())
    assert overdue(running, world.clock.now()) == ""
