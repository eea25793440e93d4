"""The operations on jobs: create, describe, find, stop, delete. They write the store, and the supervisor does the rest."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.input_checks import check_inputs
from naiad.service.contract.instance_types import instance_type
from naiad.service.contract.machine_resources import MachineResources
from naiad.service.contract.request_checks import InstanceRequest, Request, check_buckets
from naiad.service.contract.tags import check_tags, cores_of
from naiad.service.domain.clock import Clock
from naiad.service.domain.errors import Conflict, InUse, NotFound
from naiad.service.domain.job import Job, JobKind, ResourceRequest, Transition
from naiad.service.domain.scope import Creator
from naiad.service.domain.status import RUNNING_PHASES, WAITING_PHASES, Phase
from naiad.service.executors.port import Instance
from naiad.service.jobs.layout import job_instances
from naiad.service.jobs.processing_request import check_processing, processing_instances, processing_uris
from naiad.service.jobs.program_checks import check_program
from naiad.service.jobs.queue import JobQueue, QueuePosition
from naiad.service.jobs.training_request import check_training, training_instances, training_uris
from naiad.service.jobs.transform_request import check_transform, transform_instances, transform_uris
from naiad.service.jobs.trash import move_to_trash, restore
from naiad.service.jobs.wake_event import WakeEvent
from naiad.service.store.port import JobPage, JobQuery, Store


@dataclass(frozen=True)
class _RequestReader:
    """Reads the request of one kind of job."""

    name_key: str
    check: Callable[[Request], None]
    instances: Callable[[Request], InstanceRequest]
    uris: Callable[[Request], list[tuple[str, str]]]
    not_found: str
    """Beginning of AWS's message that there is no such job. Clients look for it."""


_NO_RESOURCE, _NO_JOB = "Requested resource not found.", "Could not find requested job with name: {}."
_READERS = {
    JobKind.TRAINING: _RequestReader(
        "TrainingJobName", check_training, training_instances, training_uris, _NO_RESOURCE
    ),
    JobKind.TRANSFORM: _RequestReader(
        "TransformJobName", check_transform, transform_instances, transform_uris, _NO_JOB
    ),
    JobKind.PROCESSING: _RequestReader(
        "ProcessingJobName", check_processing, processing_instances, processing_uris, _NO_JOB
    ),
}


def _leave_to_next_start(_trashed: Path) -> None: ...


@dataclass(frozen=True)
class JobService:
    """Safe for threads: every change is one guarded write of the store."""

    store: Store
    blobs: BlobStore
    machine: MachineResources
    clock: Clock
    state_folder: Path
    region: str
    wake_event: WakeEvent = field(default_factory=WakeEvent)
    """Shared with the supervisor, like the queue."""
    queue: JobQueue = field(default_factory=JobQueue)
    on_delete: Callable[[Path], None] = _leave_to_next_start
    """Called with a folder in the trash, after its job was deleted or could not be deleted."""

    def create(
        self, kind: JobKind, request: Mapping[str, Any], tags: Mapping[str, str], creator: Creator | None = None
    ) -> Job:
        """Returns the job, which is on disk and waits. Raises Invalid, LimitExceeded, AlreadyExists; then nothing is stored."""
        resources, scaling_message = self.check(kind, request, tags)
        now = self.clock.now()
        job = Job(
            kind=kind,
            name=request[_READERS[kind].name_key],
            region=self.region,
            request={**request, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]},
            resources=resources,
            created_at=now,
            modified_at=now,
            transitions=(Transition(Phase.PENDING, now, None, scaling_message or "waits for cores and memory"),),
            access_key=f"NJOB{secrets.token_hex(8).upper()}",
            secret_key=secrets.token_urlsafe(30),
            creator=creator,
        )
        self.store.add(job, tags)
        self.wake_event.wake()
        return job

    def check(self, kind: JobKind, request: Mapping[str, Any], tags: Mapping[str, str]) -> tuple[ResourceRequest, str]:
        """Returns what each instance of such a job would get, and a sentence where that is less than its type.

        Raises Invalid, LimitExceeded.
        """
        reader = _READERS[kind]
        check_tags(tags)
        reader.check(request)
        requested = reader.instances(request)
        granted = self.machine.request_for(
            instance_type(requested.instance_type), instances=requested.instances, cores=cores_of(tags)
        )
        check_buckets(reader.uris(request), self.blobs.has_bucket)
        check_inputs(self.blobs, request)
        check_program(kind, self.blobs, request)
        return granted

    def describe(self, kind: JobKind, name: str) -> Job:
        """Raises NotFound, with AWS's sentence for the kind."""
        try:
            return self.store.get(kind, name)
        except NotFound as error:
            raise NotFound(f"{_READERS[kind].not_found.format(name)} There is {error}") from error

    def find(self, query: JobQuery) -> JobPage:
        return self.store.find(query)

    def stop(self, kind: JobKind, name: str) -> Job:
        """Requests a stop; a waiting job ends at once. Does nothing for a job that is stopping or has ended. Raises NotFound."""
        while True:
            job = self.describe(kind, name)
            after = self._with_stop(job)
            if after is job or self._update(after, before=job):
                return after

    def resume(self, kind: JobKind, name: str, message: str) -> Job:
        """Puts a paused job back into the queue; it goes on from its checkpoint. Does nothing for any other. Raises NotFound."""
        while True:
            job = self.describe(kind, name)
            if job.phase is not Phase.PAUSED:
                return job
            after = job.to(Phase.PENDING, at=self.clock.now(), message=message)
            if self._update(after, before=job):
                return after

    def keep_alive(self, name: str, period_s: int) -> Job:
        """Sets ResourceConfig.KeepAlivePeriodInSeconds, as UpdateTrainingJob does. Raises NotFound."""
        while True:
            job = self.describe(JobKind.TRAINING, name)
            config = {**job.request["ResourceConfig"], "KeepAlivePeriodInSeconds": period_s}
            after = replace(job, request={**job.request, "ResourceConfig": config}, modified_at=self.clock.now())
            if self._update(after, before=job):
                return after

    def delete(self, kind: JobKind, name: str) -> None:
        """Deletes the record, the tags, the logs and the metrics; the name is free again.

        Raises NotFound, and InUse before the job has ended.
        """
        job = self.describe(kind, name)
        if not job.status.is_final:
            raise InUse(f"{kind} {name} is {job.status}; stop it and wait for its end before you delete it")
        trashed = move_to_trash(self.state_folder, job)
        try:
            self.store.delete(job)
        except Conflict:
            restore(self.state_folder, job)
            raise
        finally:
            if trashed is not None:
                self.on_delete(trashed)

    def queue_position(self, job: Job) -> QueuePosition | None:
        """Returns the position that the supervisor last saw; None for a job that does not wait."""
        return self.queue.position_of(job.arn) if job.phase is Phase.PENDING else None

    def instances(self, job: Job, *, attempt: int | None = None) -> tuple[Instance, ...]:
        """Returns the instances of an attempt, by default of the last one. Their folders hold logs and metrics."""
        return job_instances(self.state_folder, job, attempt=attempt)

    def _with_stop(self, job: Job) -> Job:
        now = self.clock.now()
        if job.phase in WAITING_PHASES:
            how = "waited" if job.phase is Phase.PENDING else "was paused"
            return job.to(Phase.STOPPED, at=now, message=f"stopped while it {how}")
        if job.phase in RUNNING_PHASES:
            return job.to(Phase.STOPPING, at=now, message="a stop was requested")
        return job

    def _update(self, job: Job, *, before: Job) -> bool:
        """Whether the job was written; otherwise it was changed by somebody else."""
        try:
            self.store.update(job, before=before)
        except Conflict:
            return False
        self.wake_event.wake()
        return True
