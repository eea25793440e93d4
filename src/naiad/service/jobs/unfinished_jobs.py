"""The jobs that have not ended, as the supervisor last read them from the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from naiad.service.domain.job import Job
from naiad.service.jobs.queue import JobQueue, waiting_jobs
from naiad.service.jobs.wake_event import WakeEvent
from naiad.service.store.port import Store


@dataclass
class UnfinishedJobs:
    """Reads the store only when somebody has written to it. For one thread."""

    store: Store
    wake_event: WakeEvent
    queue: JobQueue
    """Gets the waiting jobs after each reading."""
    on_end: Callable[[Job], None]
    """Called once for each job that is no longer unfinished, with the job as it was before."""
    jobs: tuple[Job, ...] = ()
    _is_stale: bool = True

    def refresh(self) -> bool:
        """Reads the jobs again if they may have changed, and returns whether it did."""
        self._is_stale = self.wake_event.consume() or self._is_stale
        if not self._is_stale:
            return False
        before, self.jobs = self.jobs, self.store.unfinished_jobs()
        self._is_stale = False
        self._notify(before)
        return True

    def mark_stale(self) -> None:
        self._is_stale = True

    def _notify(self, before: Sequence[Job]) -> None:
        unfinished = {(job.arn, job.created_at) for job in self.jobs}
        for job in before:
            if (job.arn, job.created_at) not in unfinished:
                self.on_end(job)
        self.queue.update(waiting_jobs(self.jobs))
