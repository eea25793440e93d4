"""The steps of one job: it is placed, watched, stopped, paused, ended, or put back into the queue.

The order of the writes lets a server that was killed continue: a placement is on disk before the job is STARTING, the job is
STARTING before an agent starts, and the agents of an attempt are dead before the job waits again, is paused or has ended.
"""

import datetime as dt
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from naiad.service.contract.machine_resources import MachineResources
from naiad.service.domain.clock import Clock
from naiad.service.domain.elapsed_times import ElapsedTimes
from naiad.service.domain.errors import Conflict, ServiceError, StorageFull
from naiad.service.domain.job import Job
from naiad.service.domain.status import WAITING_PHASES, Phase
from naiad.service.executors.port import Instance, InstanceReport
from naiad.service.jobs.cleanup import remove_files_of_programs
from naiad.service.jobs.job_instances import JobInstances
from naiad.service.jobs.layout import job_folder, job_instances
from naiad.service.jobs.outcome import (
    Action,
    Decision,
    decide,
    is_final,
    is_running,
    overdue_reason,
    phases_to,
    stopped_phase,
)
from naiad.service.jobs.placements import Placements
from naiad.service.jobs.scheduler import Capacity, Placement, fits, needed_cores
from naiad.service.jobs.unfinished_jobs import UnfinishedJobs

_LOG = logging.getLogger(__name__)
_NEVER_STARTED = InstanceReport(Phase.STARTING, alive=False)


@dataclass
class JobSteps:
    unfinished: UnfinishedJobs
    instances: JobInstances
    placements: Placements
    machine: MachineResources
    clock: Clock
    _stop_requested: set[tuple[str, int]] = field(default_factory=set)
    """(ARN, attempt) of the jobs whose instances were asked to stop."""
    _elapsed: ElapsedTimes[tuple[str, dt.datetime]] = field(init=False)
    """How long ago jobs were created and began to wait."""

    def __post_init__(self) -> None:
        self._elapsed = ElapsedTimes(self.clock)

    @property
    def capacity(self) -> Capacity:
        return Capacity(self.machine.cpus, self.machine.memory_bytes, self.machine.gpus)

    def retain(self, jobs: Collection[Job]) -> None:
        """Forgets everything about other jobs and attempts."""
        self.placements.retain(jobs)
        self._stop_requested &= {_key(job) for job in jobs}
        arns = {job.arn for job in jobs}
        self._elapsed.forget(lambda thing: thing[0] not in arns)

    def place(self, job: Job, placement: Placement) -> None:
        """Starts a waiting job on the resources of its placement."""
        try:
            self.placements.write(job, placement, attempt=job.attempt + 1)
        except StorageFull as error:
            self._fail_to_start(job, error)
            return
        if started := self._move(job, (Phase.STARTING,), message=f"placed on the cores {placement.cores_text}"):
            self._start(started, placement, job_instances(self.instances.state_folder, started))

    def advance(self, job: Job) -> None:
        """Does what the job's reports, its limits and a requested stop call for."""
        overdue = overdue_reason(job, lambda at: self._elapsed.since_s((job.arn, at), at))
        if job.phase in WAITING_PHASES:
            self._check_waiting(job, overdue)
        elif overdue and job.phase is not Phase.STOPPING:
            self._move(job, (Phase.STOPPING,), message=overdue)
        else:
            self._watch(job)

    def _check_waiting(self, job: Job, overdue: str) -> None:
        if overdue:
            self._move(job, (stopped_phase(overdue),), message=overdue)
        elif not fits(job.resources, self.capacity, cores=needed_cores(job.resources, self.capacity)):
            reason = f"it was accepted by a larger machine; this one has {self.machine}"
            self._move(job, (Phase.FAILED,), message="does not fit this machine", failure_reason=reason)

    def _watch(self, job: Job) -> None:
        reports = self.instances.reports(job)
        missing = [instance for instance, report in reports.items() if report is None]
        placement = self.placements.of(job)
        if missing and placement and job.phase is Phase.STARTING:
            self._start(job, placement, missing)
            return
        known = {instance: report or _NEVER_STARTED for instance, report in reports.items()}
        self._apply(job, decide(job, list(known.values())), known)

    def _apply(self, job: Job, decision: Decision, reports: Mapping[Instance, InstanceReport]) -> None:
        match decision.action:
            case Action.STOP_INSTANCES:
                self._stop(job, [instance for instance, report in reports.items() if is_running(report)])
            case Action.ADVANCE:
                self._move(job, phases_to(job.phase, decision.phase), message=decision.message)
            case Action.END | Action.RETRY | Action.PAUSE:
                self.instances.kill([instance for instance, report in reports.items() if not is_final(report)])
                try:
                    self._end(job, decision)
                except StorageFull:
                    self._remove_files(job)
                    self._end(job, decision)
            case Action.NONE:
                pass

    def _start(self, job: Job, placement: Placement, instances: Sequence[Instance]) -> None:
        try:
            self.instances.start(job, placement, instances)
        except (ServiceError, OSError) as error:
            self._fail_to_start(job, error)

    def _fail_to_start(self, job: Job, error: Exception) -> None:
        """Ends a job of which nothing runs."""
        self._remove_files(job)
        message = "could not be started"
        self._move(job, (Phase.FAILED,), message=message, failure_reason=f"{message}: {error}")

    def _stop(self, job: Job, instances: Sequence[Instance]) -> None:
        if _key(job) not in self._stop_requested:
            self.instances.stop(instances)
            self._stop_requested.add(_key(job))

    def _remove_files(self, job: Job) -> None:
        """Makes room on a full disk for the next write, which needs little."""
        folder = job_folder(self.instances.state_folder, job.kind, job.name)
        remove_files_of_programs(folder, has_ended=lambda: True)

    def _end(self, job: Job, decision: Decision) -> None:
        self._move(
            job,
            phases_to(job.phase, decision.phase),
            message=decision.message,
            failure_reason=decision.failure_reason,
            exit_message=decision.exit_message,
        )

    def _move(
        self,
        job: Job,
        phases: Sequence[Phase],
        *,
        message: str,
        failure_reason: str | None = None,
        exit_message: str | None = None,
    ) -> Job | None:
        """Moves the job through the phases in one write, and returns it. Returns None when it was changed meanwhile."""
        self.unfinished.mark_stale()
        after, now = job, self.clock.now()
        for phase in phases[:-1]:
            after = after.to(phase, at=now)
        after = after.to(phases[-1], at=now, message=message, failure_reason=failure_reason)
        after = replace(after, exit_message=exit_message or after.exit_message)
        try:
            self.unfinished.store.update(after, before=job)
        except Conflict:
            return None
        _LOG.info("%s %s: %s → %s %s", job.kind, job.name, job.phase, after.phase, message)
        return after


def _key(job: Job) -> tuple[str, int]:
    return job.arn, job.attempt
