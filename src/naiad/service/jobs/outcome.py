"""Decides what becomes of a job, from the reports of its instances: a pure function.

A job has come as far as the slowest of its instances. When one fails, or runs out of its time, the others are stopped. An
instance whose agent is dead, or that stopped without a request, is *lost*: the job starts again, from its checkpoints. A loss
wins over a failure, because instances fail when they miss one of the others. A stop that the user requested wins over both,
unless the job has completed everywhere. A job pauses when all of its instances have paused.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from naiad.service.domain.job import Job
from naiad.service.domain.status import RUNNING_PHASES, STATUS_OF, Phase
from naiad.service.executors.port import InstanceReport

MAX_LOST_ATTEMPTS = 5
LOST_PREFIX = "lost: "
"""Beginning of the message of the transition back to Pending after a lost agent. The store keeps it, and so the count."""
RETRIED_PREFIX = "retried: "
"""The same after a failure that RetryStrategy covers."""
_WAIT_LIMIT_PREFIX = Phase.MAX_WAIT_TIME_EXCEEDED.value
_RETRYABLE = "InternalServerError"


class Action(Enum):
    NONE = "wait for the instances"
    ADVANCE = "move the job to the phase"
    STOP_INSTANCES = "ask the instances that still run to stop"
    END = "kill what is left, and move the job to its final phase"
    RETRY = "kill what is left, and put the job back into the queue"
    PAUSE = "kill what is left, and keep the job until it is resumed"


@dataclass(frozen=True)
class Decision:
    action: Action
    phase: Phase
    message: str = ""
    failure_reason: str | None = None
    exit_message: str | None = None


def decide(job: Job, reports: Sequence[InstanceReport]) -> Decision:
    """``job`` is placed, and there is one report for each of its instances."""
    if job.phase is Phase.STOPPING:
        return _decide_stopping(job, reports)
    failed = [report for report in reports if report.phase in (Phase.FAILED, Phase.MAX_RUNTIME_EXCEEDED)]
    lost = [index for index, report in enumerate(reports) if _is_lost(report)]
    if not failed:
        lost += [index for index, report in enumerate(reports) if report.phase is Phase.STOPPED]
    if lost:
        return _decide_lost(job, lost[0])
    if failed:
        return _decide_failed(job, reports, failed)
    if all(report.phase is Phase.COMPLETED for report in reports):
        return Decision(Action.END, Phase.COMPLETED, _message(reports), exit_message=_exit_message(reports))
    if all(report.phase is Phase.PAUSED for report in reports):
        return Decision(Action.PAUSE, Phase.PAUSED, _message(reports))
    return _decide_running(job, reports)


def phases_to(phase: Phase, goal: Phase) -> tuple[Phase, ...]:
    """Returns the phases from ``phase`` to ``goal``: a job that is faster than the supervisor still passes through each."""
    if goal not in (*RUNNING_PHASES, Phase.PAUSED, Phase.COMPLETED) or phase not in RUNNING_PHASES:
        return (goal,)
    order = (*RUNNING_PHASES, Phase.PAUSED if goal is Phase.PAUSED else Phase.COMPLETED)
    return order[order.index(phase) + 1 : order.index(goal) + 1]


def is_final(report: InstanceReport) -> bool:
    return STATUS_OF[report.phase].is_final


def is_running(report: InstanceReport) -> bool:
    return report.alive and not is_final(report)


def overdue_reason(job: Job, since_s: Callable[[dt.datetime], float]) -> str:
    """Returns why the job must not wait or run any longer, by the limits that include its waiting; "" while it may.

    ``since_s`` returns the seconds since a time of the job.
    """
    condition = job.request.get("StoppingCondition", {})
    wait_s, pending_s = condition.get("MaxWaitTimeInSeconds"), condition.get("MaxPendingTimeInSeconds")
    if wait_s is not None and since_s(job.created_at) > wait_s:
        return f"{_WAIT_LIMIT_PREFIX}: it waited and ran for more than {wait_s} s"
    may_be_late = job.phase is Phase.PENDING and pending_s is not None and job.transitions
    if may_be_late and since_s(job.transitions[-1].started_at) > pending_s:
        return f"MaxPendingTimeInSeconds: it waited for more than {pending_s} s"
    return ""


def stopped_phase(reason: str) -> Phase:
    """Returns the final phase of a job that was stopped for this reason."""
    return Phase.MAX_WAIT_TIME_EXCEEDED if reason.startswith(_WAIT_LIMIT_PREFIX) else Phase.STOPPED


def _decide_running(job: Job, reports: Sequence[InstanceReport]) -> Decision:
    phase = min((_reached_phase(report) for report in reports), key=RUNNING_PHASES.index)
    if RUNNING_PHASES.index(phase) > RUNNING_PHASES.index(job.phase):
        return Decision(Action.ADVANCE, phase, _message(reports))
    return Decision(Action.NONE, job.phase)


def _decide_stopping(job: Job, reports: Sequence[InstanceReport]) -> Decision:
    if any(is_running(report) for report in reports):
        return Decision(Action.STOP_INSTANCES, Phase.STOPPING)
    if all(report.phase is Phase.COMPLETED for report in reports):
        return Decision(Action.END, Phase.COMPLETED, "completed before the stop", exit_message=_exit_message(reports))
    reason = job.transitions[-1].message
    phase = stopped_phase(reason)
    message = "stopped as requested" if phase is Phase.STOPPED else reason
    return Decision(Action.END, phase, message, _first_reason(reports), _exit_message(reports))


def _decide_lost(job: Job, index: int) -> Decision:
    what = f"the agent of algo-{index + 1} ended in attempt {job.attempt} without a final report"
    if _count(job, LOST_PREFIX) + 1 < MAX_LOST_ATTEMPTS:
        return Decision(Action.RETRY, Phase.PENDING, f"{LOST_PREFIX}{what}")
    reason = f"{_RETRYABLE}: {what}, as in {MAX_LOST_ATTEMPTS - 1} attempts before (was it killed, or out of memory?)"
    return Decision(Action.END, Phase.FAILED, "failed after too many lost agents", reason)


def _decide_failed(job: Job, reports: Sequence[InstanceReport], failed: Sequence[InstanceReport]) -> Decision:
    if any(is_running(report) for report in reports):
        return Decision(Action.STOP_INSTANCES, job.phase)
    reason = _first_reason(failed)
    if all(report.phase is Phase.MAX_RUNTIME_EXCEEDED for report in failed):
        return Decision(Action.END, Phase.MAX_RUNTIME_EXCEEDED, _message(failed), reason, _exit_message(reports))
    max_retries = job.request.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0)
    if (reason or "").startswith(_RETRYABLE) and _count(job, RETRIED_PREFIX) < max_retries:
        return Decision(Action.RETRY, Phase.PENDING, f"{RETRIED_PREFIX}{reason}")
    reason = reason or "the program failed"
    return Decision(Action.END, Phase.FAILED, _message(failed), reason, _exit_message(reports))


def _is_lost(report: InstanceReport) -> bool:
    return not report.alive and report.phase is not Phase.PAUSED and not is_final(report)


def _reached_phase(report: InstanceReport) -> Phase:
    """Returns how far an instance has come: all the way when it has completed, and not at all when it is being stopped."""
    if report.phase is Phase.COMPLETED:
        return RUNNING_PHASES[-1]
    return report.phase if report.phase in RUNNING_PHASES else RUNNING_PHASES[0]


def _count(job: Job, prefix: str) -> int:
    return sum(past.phase is Phase.PENDING and past.message.startswith(prefix) for past in job.transitions)


def _message(reports: Sequence[InstanceReport]) -> str:
    return next((report.message for report in reports if report.message), "")


def _first_reason(reports: Sequence[InstanceReport]) -> str | None:
    return next((report.failure_reason for report in reports if report.failure_reason), None)


def _exit_message(reports: Sequence[InstanceReport]) -> str | None:
    return next((report.exit_message for report in reports if report.exit_message), None)
