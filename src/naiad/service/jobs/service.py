"""What people do with jobs: create, describe, find, stop. Writes the store and rings; the supervisor does the rest."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from naiad.service.blobs.port import Blobs
from naiad.service.contract.instance_types import instance_type
from naiad.service.contract.requests import Ask, Request, check_buckets, check_tags, cores_of
from naiad.service.contract.resources import Resources
from naiad.service.domain.clock import Clock
from naiad.service.domain.errors import Conflict, InUse, NotFound
from naiad.service.domain.job import Job, JobKind, Transition
from naiad.service.domain.status import RUNNING, Phase
from naiad.service.executors.port import Instance
from naiad.service.jobs.cleanup import put_aside, put_back
from naiad.service.jobs.layout import instances_of
from naiad.service.jobs.processing_request import ask_of_processing, check_processing, uris_of_processing
from naiad.service.jobs.queue import Place, WaitingLine
from naiad.service.jobs.training_request import ask_of_training, check_training, uris_of_training
from naiad.service.jobs.transform_request import ask_of_transform, check_transform, uris_of_transform
from naiad.service.jobs.wake_event import Bell
from naiad.service.store.port import JobPage, JobQuery, Store


@dataclass(frozen=True)
class _Rules:
    """How a kind's request is read."""

    name_key: str
    check: Callable[[Request], None]
    ask: Callable[[Request], Ask]
    uris: Callable[[Request], list[tuple[str, str]]]
    missing: str
    """How AWS begins the message that there is no such job; clients look for it."""


_NO_RESOURCE, _NO_JOB = "Requested resource not found.", "Could not find requested job with name: {}."
_RULES = {
    JobKind.TRAINING: _Rules("TrainingJobName", check_training, ask_of_training, uris_of_training, _NO_RESOURCE),
    JobKind.TRANSFORM: _Rules("TransformJobName", check_transform, ask_of_transform, uris_of_transform, _NO_JOB),
    JobKind.PROCESSING: _Rules("ProcessingJobName", check_processing, ask_of_processing, uris_of_processing, _NO_JOB),
}


def _left_to_the_next_start(_aside: Path) -> None: ...


@dataclass(frozen=True)
class JobService:
    """Safe for threads: every change is one guarded write of the store."""

    store: Store
    blobs: Blobs
    resources: Resources
    clock: Clock
    state_folder: Path
    region: str
    bell: Bell = field(default_factory=Bell)
    """Shared with the supervisor, as the two below are."""
    line: WaitingLine = field(default_factory=WaitingLine)
    on_put_aside: Callable[[Path], None] = _left_to_the_next_start
    """Given the folder of a job that was deleted, or may have been, to do with it as the store says."""

    def create(self, kind: JobKind, request: Mapping[str, Any], tags: Mapping[str, str]) -> Job:
        """On disk when it returns, and waiting. Raises Invalid, DoesNotFit, AlreadyExists; then nothing was accepted."""
        rules = _RULES[kind]
        check_tags(tags)
        rules.check(request)
        ask = rules.ask(request)
        asked = instance_type(ask.instance_type)
        need, scaled = self.resources.need(asked, instances=ask.instances, cores=cores_of(tags))
        check_buckets(rules.uris(request), self.blobs.has_bucket)
        now = self.clock.now()
        job = Job(
            kind=kind,
            name=request[rules.name_key],
            region=self.region,
            request={**request, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]},
            need=need,
            created_at=now,
            modified_at=now,
            transitions=(Transition(Phase.PENDING, now, None, scaled or "waits for cores and memory"),),
            access_key=f"NJOB{secrets.token_hex(8).upper()}",
            secret_key=secrets.token_urlsafe(30),
        )
        self.store.add(job, tags)
        self.bell.ring()
        return job

    def describe(self, kind: JobKind, name: str) -> Job:
        """Raises NotFound, with the sentence that AWS has for the kind."""
        try:
            return self.store.get(kind, name)
        except NotFound as error:
            raise NotFound(f"{_RULES[kind].missing.format(name)} There is {error}") from error

    def find(self, query: JobQuery) -> JobPage:
        return self.store.find(query)

    def stop(self, kind: JobKind, name: str) -> Job:
        """Idempotent: a job that is stopping or at its end stays as it is. One that waits ends at once. Raises NotFound."""
        while True:
            job = self.describe(kind, name)
            after = self._stopped(job)
            if after is job or self._written(after, before=job):
                return after

    def keep_alive(self, name: str, period_s: int) -> Job:
        """Puts ResourceConfig.KeepAlivePeriodInSeconds, as UpdateTrainingJob does. Raises NotFound."""
        while True:
            job = self.describe(JobKind.TRAINING, name)
            config = {**job.request["ResourceConfig"], "KeepAlivePeriodInSeconds": period_s}
            after = replace(job, request={**job.request, "ResourceConfig": config}, modified_at=self.clock.now())
            if self._written(after, before=job):
                return after

    def delete(self, kind: JobKind, name: str) -> None:
        """The record, the tags, the logs and the metrics; the name is free again. Raises NotFound, InUse before its end."""
        job = self.describe(kind, name)
        if not job.status.is_final:
            raise InUse(f"{kind} {name} is {job.status}; stop it and wait for its end before you delete it")
        aside = put_aside(self.state_folder, job)
        try:
            self.store.delete(job)
        except Conflict:
            put_back(self.state_folder, job)
            raise
        finally:
            if aside is not None:
                self.on_put_aside(aside)

    def place_of(self, job: Job) -> Place | None:
        """In the queue, as the supervisor last saw it; None for a job that does not wait."""
        return self.line.place_of(job.arn) if job.phase is Phase.PENDING else None

    def instances(self, job: Job, *, attempt: int | None = None) -> tuple[Instance, ...]:
        """Of the attempt, or of the last one; their folders hold logs and metrics. None before the first placement."""
        return instances_of(self.state_folder, job, attempt=attempt)

    def _stopped(self, job: Job) -> Job:
        now = self.clock.now()
        if job.phase is Phase.PENDING:
            return job.to(Phase.STOPPED, at=now, message="stopped while it waited")
        if job.phase in RUNNING:
            return job.to(Phase.STOPPING, at=now, message="asked to stop")
        return job

    def _written(self, job: Job, *, before: Job) -> bool:
        try:
            self.store.update(job, before=before)
        except Conflict:
            return False
        self.bell.ring()
        return True
