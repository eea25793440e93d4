"""Moves all jobs through their phases, in a thread of its own: one pass after the other, each over all unfinished jobs.

All decisions come from the store, the placements and the agents' reports, so a server that was killed at any moment continues
where it was. ``job_steps`` has the steps of one job.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from naiad.service.domain.errors import ServiceError
from naiad.service.domain.job import Job
from naiad.service.domain.status import WAITING_PHASES
from naiad.service.jobs.job_steps import JobSteps
from naiad.service.jobs.problem_log import ProblemLog
from naiad.service.jobs.queue import waiting_jobs
from naiad.service.jobs.scheduler import place_jobs
from naiad.service.jobs.unfinished_jobs import UnfinishedJobs
from naiad.service.store.lock import StoreLock

_LOG = logging.getLogger(__name__)
_INTERVAL_S = 0.2
_IDLE_INTERVAL_S = 1.0


@dataclass
class Supervisor:
    """``tick`` and ``run`` are for one thread."""

    unfinished: UnfinishedJobs
    steps: JobSteps
    store_lock: StoreLock
    """No job is moved while it is lost: another server may have the store."""
    _problems: ProblemLog = field(default_factory=ProblemLog)

    def run(self, stop_event: threading.Event) -> None:
        """Returns after ``stop_event`` is set; wake the supervisor then, so that it notices at once."""
        while not stop_event.is_set():
            try:
                self.tick()
            except ServiceError as error:
                self.unfinished.mark_stale()
                self._problems.warn("supervisor", error)
                stop_event.wait(_IDLE_INTERVAL_S)
            except Exception:  # noqa: BLE001 - the thread's edge: a full disk is passing trouble, jobs must still be watched
                _LOG.exception("supervisor: a pass failed, trying again")
                stop_event.wait(_IDLE_INTERVAL_S)
            self.unfinished.wake_event.wait(_INTERVAL_S if self.unfinished.jobs else _IDLE_INTERVAL_S)

    def tick(self) -> None:
        """Makes one pass over all unfinished jobs. Raises Unavailable while the store may be another server's."""
        self._check_lock()
        was_refreshed = self._refresh()
        for job in self.unfinished.jobs:
            self._try(job, partial(self.steps.advance, job))
        if self._refresh() or was_refreshed:
            self._place_waiting()

    def _check_lock(self) -> None:
        if not self.store_lock.is_held():
            self.unfinished.mark_stale()
            self.store_lock.reacquire()
            _LOG.info("supervisor: this server has the store again")

    def _refresh(self) -> bool:
        if not self.unfinished.refresh():
            return False
        self.steps.retain(self.unfinished.jobs)
        self._problems.retain([_subject(job) for job in self.unfinished.jobs])
        return True

    def _place_waiting(self) -> None:
        jobs = {job.arn: job for job in self.unfinished.jobs}
        running = [
            placement
            for job in self.unfinished.jobs
            if job.phase not in WAITING_PHASES and (placement := self.steps.placements.of(job))
        ]
        for placement in place_jobs(waiting_jobs(self.unfinished.jobs), running, self.steps.capacity):
            job = jobs[placement.arn]
            self._try(job, partial(self.steps.place, job, placement))

    def _try(self, job: Job, step: Callable[[], None]) -> None:
        """Makes a step of one job. Its problem does not hold up the other jobs; it is tried again in the next pass."""
        try:
            step()
        except (ServiceError, OSError, ValueError) as error:
            self.unfinished.mark_stale()
            self._problems.warn(_subject(job), error)


def _subject(job: Job) -> str:
    return f"{job.kind} {job.name} (attempt {job.attempt})"
