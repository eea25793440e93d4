"""Who waits, in the order in which they are placed: shown by the supervisor, looked up by those who describe a job.

Looking up costs the same with one job in the store and with a hundred thousand; it may be one look of the supervisor old.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from naiad.service.contract.requests import priority_of, tags_of
from naiad.service.domain.job import Job
from naiad.service.domain.status import Phase
from naiad.service.jobs.rendezvous import fixed_port
from naiad.service.jobs.scheduler import Waiting, in_order


@dataclass(frozen=True)
class Place:
    position: int
    """1 is the next one to be placed."""
    waiting: int
    """How many wait in all."""

    def __str__(self) -> str:
        return f"{self.position} of {self.waiting} in the queue"


class WaitingLine:
    """Safe for threads: what is shown is replaced, never changed."""

    def __init__(self) -> None:
        self._positions: dict[str, int] = {}

    def show(self, waiting: Sequence[Waiting]) -> None:
        """``waiting`` is in the order of arrival."""
        self._positions = {one.job: number for number, one in enumerate(in_order(waiting), start=1)}

    def place_of(self, arn: str) -> Place | None:
        """None for a job that does not wait, or was not looked at yet."""
        positions = self._positions
        return Place(positions[arn], len(positions)) if arn in positions else None


def waiting_of(unfinished: Sequence[Job]) -> list[Waiting]:
    """The jobs that wait, in the order of arrival. A job's priority is that of the tags that it was created with."""
    return [
        Waiting(job.arn, job.need, priority_of(tags_of(job.request)), fixed_port(job.request, job.need.instances))
        for job in unfinished
        if job.phase is Phase.PENDING
    ]
