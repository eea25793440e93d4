"""Moves jobs: places those that wait, follows those that run, ends those that are done.

Everything it decides by is in the store, in the placements and in the agents' reports, so a server that was killed at any moment
starts where it left. The order of the writes makes it so: a placement is on disk before the job is STARTING, the job is STARTING
before an agent is, and the agents of an attempt are gone before the job waits again or has ended.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from naiad.service.contract.resources import Resources
from naiad.service.domain.clock import Clock
from naiad.service.domain.errors import Conflict, ServiceError, StorageFull
from naiad.service.domain.job import Job
from naiad.service.domain.status import Phase
from naiad.service.executors.port import Executor, Instance, InstanceReport, InstanceSpec
from naiad.service.jobs.cleanup import tidy
from naiad.service.jobs.layout import instances_of, job_folder, read_placement, write_placement
from naiad.service.jobs.outcome import Do, Verdict, end_of_stop, is_at_work, is_end, judge, next_phases, overdue
from naiad.service.jobs.queue import WaitingLine, waiting_of
from naiad.service.jobs.scheduler import Capacity, Placement, fits, place
from naiad.service.jobs.wake_event import Bell
from naiad.service.store.lock import AlwaysHeld, Hold
from naiad.service.store.port import Store

_LOG = logging.getLogger(__name__)
_LOOK_EVERY_S = 0.2
_IDLE_LOOK_EVERY_S = 1.0
_NEVER_STARTED = InstanceReport(Phase.STARTING, alive=False)


def _nobody_asks(_job: Job) -> None: ...


@dataclass
class Supervisor:
    """One thread's: ``tick`` and ``run`` are not for two at once."""

    store: Store
    executor: Executor
    resources: Resources
    clock: Clock
    bell: Bell
    state_folder: Path
    blobs_url: str
    endpoint_url: str
    line: WaitingLine = field(default_factory=WaitingLine)
    """Where it shows who waits."""
    on_end: Callable[[Job], None] = _nobody_asks
    """Given each job that is no longer unfinished, as it last was."""
    hold: Hold = field(default_factory=AlwaysHeld)
    """Nothing is moved while it is lost: another server may hold the store."""
    _jobs: tuple[Job, ...] = ()
    _is_stale: bool = True
    """Whether the store has changed since ``_jobs`` was read."""
    _placements: dict[tuple[str, int], Placement] = field(default_factory=dict)
    _asked_to_stop: set[tuple[str, int]] = field(default_factory=set)
    _complaints: dict[tuple[str, int], str] = field(default_factory=dict)
    """The last trouble of each job, so that it is logged once and not five times a second."""
    _trouble: str = ""
    """The last trouble with the store, for the same reason."""

    def run(self, stop_event: threading.Event) -> None:
        """Until ``stop_event`` is set; ring the bell then, to be heard at once."""
        while not stop_event.is_set():
            try:
                self.tick()
            except ServiceError as error:
                self._complain(error)
                stop_event.wait(_IDLE_LOOK_EVERY_S)
            except Exception:  # noqa: BLE001 - the thread's edge: a full disk passes, the jobs must be followed on
                _LOG.exception("supervisor: a pass failed, trying again")
                stop_event.wait(_IDLE_LOOK_EVERY_S)
            self.bell.wait(_LOOK_EVERY_S if self._jobs else _IDLE_LOOK_EVERY_S)

    def tick(self) -> None:
        """One pass over all jobs that are not at their end. Raises Unavailable while the store is not ours."""
        self._check_held()
        is_read = self._refresh()
        for job in self._jobs:
            self._guarded(job, partial(self._follow, job))
        if self._refresh() or is_read:
            self._place_waiting()

    def _refresh(self) -> bool:
        """Reads the jobs again when somebody has written. Whether it did."""
        self._is_stale = self.bell.take() or self._is_stale
        if not self._is_stale:
            return False
        before, self._jobs = self._jobs, self.store.unfinished()
        self._is_stale = False
        self._tell_of(before)
        self._forget_ended()
        return True

    def _check_held(self) -> None:
        if not self.hold.still_held():
            self._is_stale = True
            self.hold.regain()
            _LOG.info("supervisor: the store is ours again")

    def _tell_of(self, before: Sequence[Job]) -> None:
        unfinished = {(job.arn, job.created_at) for job in self._jobs}
        for job in before:
            if (job.arn, job.created_at) not in unfinished:
                self.on_end(job)
        self.line.show(waiting_of(self._jobs))
        self._trouble = ""

    def _forget_ended(self) -> None:
        current = {_key(job) for job in self._jobs}
        self._placements = {key: placement for key, placement in self._placements.items() if key in current}
        self._complaints = {key: text for key, text in self._complaints.items() if key in current}
        self._asked_to_stop &= current

    def _complain(self, error: ServiceError) -> None:
        """About what concerns all jobs, once until it is over."""
        self._is_stale = True
        if self._trouble != str(error):
            self._trouble = str(error)
            _LOG.warning("supervisor: %s; trying again", error)

    def _guarded(self, job: Job, step: Callable[[], None]) -> None:
        """Trouble with one job does not hold up the others; it is tried again in the next pass."""
        try:
            step()
        except (ServiceError, OSError, ValueError) as error:
            self._is_stale = True
            if self._complaints.get(_key(job)) != str(error):
                self._complaints[_key(job)] = str(error)
                _LOG.warning("%s %s: %s; trying again", job.kind, job.name, error)

    # --- jobs that wait

    def _place_waiting(self) -> None:
        by_arn = {job.arn: job for job in self._jobs}
        running = [held for job in self._jobs if job.phase is not Phase.PENDING and (held := self._placement(job))]
        for placement in place(waiting_of(self._jobs), running, self._capacity):
            job = by_arn[placement.job]
            self._guarded(job, partial(self._begin, job, placement))

    def _begin(self, job: Job, placement: Placement) -> None:
        try:
            write_placement(self.state_folder, job, placement, attempt=job.attempt + 1)
        except StorageFull as error:
            self._cannot_start(job, error)
            return
        if started := self._moved(job, (Phase.STARTING,), message=f"placed on the cores {placement.cores}"):
            self._placements[_key(started)] = placement
            self._start(started, placement, instances_of(self.state_folder, started))

    def _check_waiting(self, job: Job, overdue_reason: str) -> None:
        if overdue_reason:
            self._moved(job, (end_of_stop(overdue_reason),), message=overdue_reason)
        elif not fits(job.need, self._capacity):
            reason = f"it was accepted by a larger machine; this one has {self.resources}"
            self._moved(job, (Phase.FAILED,), message="does not fit any more", failure_reason=reason)

    @property
    def _capacity(self) -> Capacity:
        return Capacity(self.resources.cpus, self.resources.memory_bytes, self.resources.gpus)

    # --- jobs that run

    def _follow(self, job: Job) -> None:
        overdue_reason = overdue(job, self.clock.now())
        if job.phase is Phase.PENDING:
            self._check_waiting(job, overdue_reason)
        elif overdue_reason and job.phase is not Phase.STOPPING:
            self._moved(job, (Phase.STOPPING,), message=overdue_reason)
        else:
            self._follow_instances(job, instances_of(self.state_folder, job))

    def _follow_instances(self, job: Job, instances: Sequence[Instance]) -> None:
        read = [self._report(instance) for instance in instances]
        missing = [instance for instance, report in zip(instances, read, strict=True) if report is None]
        placement = self._placement(job)
        if missing and placement and job.phase is Phase.STARTING:
            self._start(job, placement, missing)
            return
        reports = [report or _NEVER_STARTED for report in read]
        self._apply(job, judge(job, reports), dict(zip(instances, reports, strict=True)))

    def _report(self, instance: Instance) -> InstanceReport | None:
        """Of an agent that is gone, what it wrote last: it may have ended well between the two looks."""
        report = self.executor.report(instance)
        if report is not None and not report.alive:
            return self.executor.report(instance)
        return report

    def _start(self, job: Job, placement: Placement, instances: Sequence[Instance]) -> None:
        try:
            for instance in instances:
                self.executor.start(self._spec(job, placement, instance))
        except (ServiceError, OSError) as error:
            self._fence(instances_of(self.state_folder, job))
            self._cannot_start(job, error)

    def _cannot_start(self, job: Job, error: Exception) -> None:
        """Nothing of it runs."""
        self._free(job)
        what = "could not be started"
        self._moved(job, (Phase.FAILED,), message=what, failure_reason=f"{what}: {error}")

    def _free(self, job: Job) -> None:
        """On a full disk, the next step needs the little room that its attempts have taken."""
        tidy(job_folder(self.state_folder, job.kind, job.name), has_ended=lambda: True)

    def _apply(self, job: Job, verdict: Verdict, reports: Mapping[Instance, InstanceReport]) -> None:
        match verdict.do:
            case Do.STOP_INSTANCES:
                self._ask_to_stop(job, [instance for instance, report in reports.items() if is_at_work(report)])
            case Do.ADVANCE:
                self._moved(job, next_phases(job.phase, verdict.phase), message=verdict.message)
            case Do.END | Do.AGAIN:
                self._fence([instance for instance, report in reports.items() if not is_end(report)])
                try:
                    self._end(job, verdict)
                except StorageFull:
                    self._free(job)
                    self._end(job, verdict)
            case Do.NOTHING:
                pass

    def _ask_to_stop(self, job: Job, instances: Sequence[Instance]) -> None:
        if _key(job) not in self._asked_to_stop:
            for instance in instances:
                self.executor.stop(instance)
            self._asked_to_stop.add(_key(job))

    def _fence(self, instances: Sequence[Instance]) -> None:
        """What does not answer may still run: nothing of this attempt does after this."""
        for instance in instances:
            self.executor.kill(instance)

    def _end(self, job: Job, verdict: Verdict) -> None:
        self._moved(
            job,
            next_phases(job.phase, verdict.phase),
            message=verdict.message,
            failure_reason=verdict.failure_reason,
            exit_message=verdict.exit_message,
        )

    def _spec(self, job: Job, placement: Placement, instance: Instance) -> InstanceSpec:
        share = placement.shares[instance.index]
        return InstanceSpec(
            instance=instance,
            arn=job.arn,
            request=job.request,
            hosts=tuple(one.host for one in instances_of(self.state_folder, job)),
            cpus=share.cpus,
            memory_bytes=placement.memory_bytes,
            region=job.region,
            endpoint_url=self.endpoint_url,
            access_key=job.access_key,
            secret_key=job.secret_key,
            blobs_url=self.blobs_url,
            cache_folder=self.state_folder / "cache",
            gpus=share.gpus,
        )

    def _placement(self, job: Job) -> Placement | None:
        if _key(job) not in self._placements:
            read = read_placement(self.state_folder, job)
            if read is None:
                return None
            self._placements[_key(job)] = read
        return self._placements[_key(job)]

    def _moved(
        self,
        job: Job,
        phases: Sequence[Phase],
        *,
        message: str,
        failure_reason: str | None = None,
        exit_message: str | None = None,
    ) -> Job | None:
        """The job as it was written, through each of the phases; None when somebody wrote it meanwhile: it is read again."""
        self._is_stale = True
        after, now = job, self.clock.now()
        for phase in phases[:-1]:
            after = after.to(phase, at=now)
        after = after.to(phases[-1], at=now, message=message, failure_reason=failure_reason)
        after = replace(after, exit_message=exit_message or after.exit_message)
        try:
            self.store.update(after, before=job)
        except Conflict:
            return None
        _LOG.info("%s %s: %s → %s %s", job.kind, job.name, job.phase, after.phase, message)
        return after


def _key(job: Job) -> tuple[str, int]:
    return job.arn, job.attempt
