"""What becomes of a job, from the reports of its instances: a pure function.

A job is as far as the last of its instances. One that fails, or runs out of its time, stops the others. An instance whose agent
is gone, or that stopped without having been asked, is *lost*: the job starts again, from its checkpoints. A loss wins over a
failure, since the others fail when they miss one of them. A stop that the user asked for wins over both, not over a job that had
completed everywhere.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from naiad.service.domain.job import Job
from naiad.service.domain.status import RUNNING, STATUS_OF, Phase
from naiad.service.executors.port import InstanceReport

MAX_LOST_ATTEMPTS = 5
LOST = "lost: "
"""Begins the message of the transition back to Pending after a lost agent; the store keeps it, and so the count."""
RETRIED = "retried: "
"""The same after a failure that RetryStrategy covers."""
_WAITED_TOO_LONG = Phase.MAX_WAIT_TIME_EXCEEDED.value
_RETRYABLE = "InternalServerError"


class Do(Enum):
    NOTHING = "wait for the instances"
    ADVANCE = "move the job on to the phase"
    STOP_INSTANCES = "ask those that still run to end"
    END = "fence what is left, and move the job to the final phase"
    AGAIN = "fence what is left, and put the job back to wait"


@dataclass(frozen=True)
class Verdict:
    do: Do
    phase: Phase
    message: str = ""
    failure_reason: str | None = None
    exit_message: str | None = None


def judge(job: Job, reports: Sequence[InstanceReport]) -> Verdict:
    """``job`` is placed, and has one report for each of its instances."""
    if job.phase is Phase.STOPPING:
        return _judge_stopping(job, reports)
    failed = [report for report in reports if report.phase in (Phase.FAILED, Phase.MAX_RUNTIME_EXCEEDED)]
    lost = [index for index, report in enumerate(reports) if _is_gone(report)]
    if not failed:
        lost += [index for index, report in enumerate(reports) if report.phase is Phase.STOPPED]
    if lost:
        return _judge_lost(job, lost[0])
    if failed:
        return _judge_failed(job, reports, failed)
    if all(report.phase is Phase.COMPLETED for report in reports):
        return Verdict(Do.END, Phase.COMPLETED, _message(reports), exit_message=_exit_message(reports))
    return _judge_running(job, reports)


def next_phases(phase: Phase, goal: Phase) -> tuple[Phase, ...]:
    """The running phases on the way, so that a job that was quicker than our looking still passed through each of them."""
    if goal not in (*RUNNING, Phase.COMPLETED) or phase not in RUNNING:
        return (goal,)
    road = (*RUNNING, Phase.COMPLETED)
    return road[road.index(phase) + 1 : road.index(goal) + 1]


def is_end(report: InstanceReport) -> bool:
    return STATUS_OF[report.phase].is_final


def is_at_work(report: InstanceReport) -> bool:
    return report.alive and not is_end(report)


def overdue(job: Job, now: dt.datetime) -> str:
    """Why the job must not wait or run on, by the limits that count its waiting too; "" while it may."""
    condition = job.request.get("StoppingCondition", {})
    wait_s, pending_s = condition.get("MaxWaitTimeInSeconds"), condition.get("MaxPendingTimeInSeconds")
    if wait_s is not None and (now - job.created_at).total_seconds() > wait_s:
        return f"{_WAITED_TOO_LONG}: it waited and ran for more than {wait_s} s"
    waits_s = (now - job.transitions[-1].started_at).total_seconds() if job.transitions else 0.0
    if job.phase is Phase.PENDING and pending_s is not None and waits_s > pending_s:
        return f"MaxPendingTimeInSeconds: it waited for more than {pending_s} s"
    return ""


def end_of_stop(why: str) -> Phase:
    """Of a job that was stopped with the message ``why``."""
    return Phase.MAX_WAIT_TIME_EXCEEDED if why.startswith(_WAITED_TOO_LONG) else Phase.STOPPED


def _judge_running(job: Job, reports: Sequence[InstanceReport]) -> Verdict:
    phase = min((_reached(report) for report in reports), key=RUNNING.index)
    if RUNNING.index(phase) > RUNNING.index(job.phase):
        return Verdict(Do.ADVANCE, phase, _message(reports))
    return Verdict(Do.NOTHING, job.phase)


def _judge_stopping(job: Job, reports: Sequence[InstanceReport]) -> Verdict:
    if any(is_at_work(report) for report in reports):
        return Verdict(Do.STOP_INSTANCES, Phase.STOPPING)
    if all(report.phase is Phase.COMPLETED for report in reports):
        return Verdict(Do.END, Phase.COMPLETED, "completed before the stop", exit_message=_exit_message(reports))
    why = job.transitions[-1].message
    phase = end_of_stop(why)
    message = "stopped as asked" if phase is Phase.STOPPED else why
    return Verdict(Do.END, phase, message, _first_reason(reports), _exit_message(reports))


def _judge_lost(job: Job, index: int) -> Verdict:
    what = f"the agent of algo-{index + 1} ended in attempt {job.attempt} without a word"
    if _count(job, LOST) + 1 < MAX_LOST_ATTEMPTS:
        return Verdict(Do.AGAIN, Phase.PENDING, f"{LOST}{what}")
    reason = f"{_RETRYABLE}: {what}; so did {MAX_LOST_ATTEMPTS - 1} before it (killed, or out of memory?)"
    return Verdict(Do.END, Phase.FAILED, "given up after lost agents", reason)


def _judge_failed(job: Job, reports: Sequence[InstanceReport], failed: Sequence[InstanceReport]) -> Verdict:
    if any(is_at_work(report) for report in reports):
        return Verdict(Do.STOP_INSTANCES, job.phase)
    reason = _first_reason(failed)
    if all(report.phase is Phase.MAX_RUNTIME_EXCEEDED for report in failed):
        return Verdict(Do.END, Phase.MAX_RUNTIME_EXCEEDED, _message(failed), reason, _exit_message(reports))
    allowed = job.request.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0)
    if (reason or "").startswith(_RETRYABLE) and _count(job, RETRIED) < allowed:
        return Verdict(Do.AGAIN, Phase.PENDING, f"{RETRIED}{reason}")
    return Verdict(Do.END, Phase.FAILED, _message(failed), reason or "the program failed", _exit_message(reports))


def _is_gone(report: InstanceReport) -> bool:
    return not report.alive and not is_end(report)


def _reached(report: InstanceReport) -> Phase:
    """An instance that has completed while others run has passed all running phases; one that is being stopped stays."""
    if report.phase is Phase.COMPLETED:
        return RUNNING[-1]
    return report.phase if report.phase in RUNNING else RUNNING[0]


def _count(job: Job, beginning: str) -> int:
    return sum(past.phase is Phase.PENDING and past.message.startswith(beginning) for past in job.transitions)


def _message(reports: Sequence[InstanceReport]) -> str:
    return next((report.message for report in reports if report.message), "")


def _first_reason(reports: Sequence[InstanceReport]) -> str | None:
    return next((report.failure_reason for report in reports if report.failure_reason), None)


def _exit_message(reports: Sequence[InstanceReport]) -> str | None:
    return next((report.exit_message for report in reports if report.exit_message), None)
