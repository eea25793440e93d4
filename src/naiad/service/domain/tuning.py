"""A tuning job's statuses, and its trials: one frozen record for each training job that it makes.

    InProgress → Completed | Failed
    InProgress → Stopping → Stopped

A trial's values and the name of its job are stored before the job is made. So a server that was killed in between makes the job
that is missing, and no other one.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from naiad.service.domain.errors import IllegalMove


class TuningStatus(StrEnum):
    """The status of a tuning job, in AWS's words."""

    IN_PROGRESS = "InProgress"  # trials run, or are being chosen
    STOPPING = "Stopping"  # a stop was requested; its trials have not all ended
    COMPLETED = "Completed"  # a limit or a completion criterion was reached, and all trials have ended
    FAILED = "Failed"  # no trial has succeeded, or the search cannot go on
    STOPPED = "Stopped"  # all trials have ended after a stop request

    @property
    def is_final(self) -> bool:
        return not TUNING_MOVES[self]


TUNING_MOVES: Mapping[TuningStatus, tuple[TuningStatus, ...]] = {
    TuningStatus.IN_PROGRESS: (TuningStatus.STOPPING, TuningStatus.COMPLETED, TuningStatus.FAILED),
    TuningStatus.STOPPING: (TuningStatus.STOPPED,),
    TuningStatus.COMPLETED: (),
    TuningStatus.FAILED: (),
    TuningStatus.STOPPED: (),
}


def check_tuning_move(name: str, before: TuningStatus, after: TuningStatus) -> None:
    """Raises IllegalMove when TUNING_MOVES does not allow it."""
    if after not in TUNING_MOVES[before]:
        raise IllegalMove(f"tuning job {name} cannot go from {before} to {after}")


class TrialState(StrEnum):
    PLANNED = "planned"  # its values and the name of its job are stored; the job is made next
    ACTIVE = "running"  # its job waits for cores or runs
    PAUSED = "paused"  # its job has stored a checkpoint and holds no cores
    COMPLETED = "completed"  # its job has ended with AWS's status of that name, like the two below
    FAILED = "failed"
    STOPPED = "stopped"
    PRIOR = "prior"  # a trial of a parent, which a warm start knows

    @property
    def is_final(self) -> bool:
        return self in (TrialState.COMPLETED, TrialState.FAILED, TrialState.STOPPED)

    @property
    def is_unfinished(self) -> bool:
        return self in (TrialState.PLANNED, TrialState.ACTIVE, TrialState.PAUSED)


@dataclass(frozen=True)
class Trial:
    """One trial. All times are aware and in UTC."""

    tuning: str
    """The name of the tuning job."""
    number: int
    """1, 2, …; those of parents have …, -2, -1."""
    name: str
    """The name of its training job."""
    values: Mapping[str, str]
    """The tuned hyperparameters, as the job gets them."""
    created_at: dt.datetime
    definition: str = ""
    """``DefinitionName`` of its training job definition; "" where there is one without a name."""
    state: TrialState = TrialState.PLANNED
    objective: float | None = None
    """The last value of the objective metric; the final one when the trial has ended."""
    rungs: Mapping[int, float] = field(default_factory=dict)
    """The objective by epoch, at the epochs at which trials are compared."""
    stop_reason: str = ""
    """Why the tuning job has asked the trial to stop; "" when it has not."""
    promotions: int = 0
    """The number of times that it was resumed after a pause."""
    started_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    failure_reason: str | None = None
    parent: str = ""
    """The tuning job that has made a trial of state PRIOR."""

    @property
    def is_prior(self) -> bool:
        return self.state is TrialState.PRIOR
