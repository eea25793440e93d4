"""The queue of waiting jobs: written by the supervisor, read by those who describe a job.

A look-up takes as long with one job in the store as with a hundred thousand. It may be one pass of the supervisor old.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from naiad.service.contract.tags import priority_of, tags_of
from naiad.service.domain.job import Job
from naiad.service.domain.status import Phase
from naiad.service.jobs.rendezvous import fixed_port
from naiad.service.jobs.scheduler import WaitingJob, placement_order


@dataclass(frozen=True)
class QueuePosition:
    position: int
    """1 is the next job to be placed."""
    length: int
    """The number of waiting jobs."""

    def __str__(self) -> str:
        return f"{self.position} of {self.length} in the queue"


class JobQueue:
    """Safe for threads: an update replaces the positions and never changes them."""

    def __init__(self) -> None:
        self._positions: dict[str, int] = {}

    def update(self, waiting: Sequence[WaitingJob]) -> None:
        """``waiting`` is in the order of arrival."""
        self._positions = {job.arn: number for number, job in enumerate(placement_order(waiting), start=1)}

    def position_of(self, arn: str) -> QueuePosition | None:
        """Returns None for a job that does not wait, or that the supervisor has not read yet."""
        positions = self._positions
        return QueuePosition(positions[arn], len(positions)) if arn in positions else None


def waiting_jobs(unfinished: Sequence[Job]) -> list[WaitingJob]:
    """Returns the jobs that wait, in the order of arrival. The priority is that of the tags at the job's creation."""
    return [
        WaitingJob(
            job.arn,
            job.resources,
            priority_of(tags_of(job.request)),
            fixed_port(job.request, job.resources.instances),
        )
        for job in unfinished
        if job.phase is Phase.PENDING
    ]
