"""A job: one frozen record, from the request that created it to its end."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from naiad.service.domain.errors import IllegalMove
from naiad.service.domain.scope import Creator
from naiad.service.domain.status import MOVES, STATUS_OF, Phase, Status

ACCOUNT_ID = "000000000000"
"""The AWS account in every ARN of this service."""


class JobKind(StrEnum):
    """The kind of a job; the values are AWS's words in ARNs."""

    TRAINING = "training-job"
    PROCESSING = "processing-job"
    TRANSFORM = "transform-job"


@dataclass(frozen=True)
class Transition:
    """A phase that the job was in, or is in now."""

    phase: Phase
    started_at: dt.datetime
    ended_at: dt.datetime | None
    message: str


@dataclass(frozen=True)
class ResourceRequest:
    """The number of a job's instances, and what each of them gets."""

    instances: int
    cores: int
    memory_bytes: int
    gpus: int = 0


@dataclass(frozen=True)
class Job:
    """One job. Immutable: ``to`` returns the next state. All times are aware and in UTC."""

    kind: JobKind
    name: str
    """Unique among the jobs of its kind, until the job is deleted."""
    region: str
    request: Mapping[str, Any]
    """The Create… request as it was accepted, in AWS's shape."""
    resources: ResourceRequest
    created_at: dt.datetime
    modified_at: dt.datetime
    phase: Phase = Phase.PENDING
    attempt: int = 0
    """The number of times that the job was started."""
    started_at: dt.datetime | None = None
    """The time at which its program was first started."""
    ended_at: dt.datetime | None = None
    failure_reason: str | None = None
    exit_message: str | None = None
    """The text that a processing program wrote into /opt/ml/output/message."""
    transitions: tuple[Transition, ...] = ()
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    """The S3 credential of the job's program, limited to what the request names."""
    creator: Creator | None = None
    """The key that has made it; None for a job of an earlier version, which belongs to the keys for admin."""

    @property
    def status(self) -> Status:
        return STATUS_OF[self.phase]

    @property
    def arn(self) -> str:
        return f"arn:aws:sagemaker:{self.region}:{ACCOUNT_ID}:{self.kind}/{self.name}"

    def to(self, phase: Phase, *, at: dt.datetime, message: str = "", failure_reason: str | None = None) -> "Job":
        """Returns the job in ``phase``, with one more transition. Raises IllegalMove when MOVES does not allow it."""
        if phase not in MOVES[self.phase]:
            raise IllegalMove(f"{self.kind} {self.name} cannot go from {self.phase} to {phase}")
        earlier = tuple(replace(past, ended_at=at) if past.ended_at is None else past for past in self.transitions)
        is_final = STATUS_OF[phase].is_final
        transition = Transition(phase, at, at if is_final else None, message)
        return replace(
            self,
            phase=phase,
            modified_at=at,
            attempt=self.attempt + (phase is Phase.STARTING),
            started_at=at if phase is Phase.TRAINING and self.started_at is None else self.started_at,
            ended_at=at if is_final else None,
            failure_reason=failure_reason if failure_reason is not None else self.failure_reason,
            transitions=(*earlier, transition),
        )
