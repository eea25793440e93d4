"""The operations on tuning jobs: create, describe, find, stop, delete. They write the store, and the driver does the rest."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from naiad.service.contract.tags import check_tags
from naiad.service.domain.clock import Clock
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import Conflict, InUse, Invalid, NotFound, ResourceNotFound
from naiad.service.domain.job import JobKind
from naiad.service.domain.scope import Creator
from naiad.service.domain.tuning import Trial, TuningStatus
from naiad.service.jobs.service import JobService
from naiad.service.jobs.wake_event import WakeEvent
from naiad.service.store.entity_port import EntityPage, EntityQuery, EntityStore
from naiad.service.store.trial_port import TrialStore
from naiad.service.tuning.autotune import resolve_autotune
from naiad.service.tuning.definitions import TuningDefinition
from naiad.service.tuning.ranges import combinations
from naiad.service.tuning.request import check_tuning
from naiad.service.tuning.tuning_job import TuningDetail, TuningJob
from naiad.service.tuning.warm_start import WarmStart

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class TuningService:
    """Safe for threads: every change is one guarded write of the store."""

    entities: EntityStore
    trial_store: TrialStore
    jobs: JobService
    clock: Clock
    region: str
    wake_event: WakeEvent = field(default_factory=WakeEvent)
    """Shared with the driver."""

    def create(self, request: Mapping[str, Any], tags: Mapping[str, str], creator: Creator | None = None) -> TuningJob:
        """Returns the tuning job, which is on disk. Raises Invalid, LimitExceeded, AlreadyExists; then nothing is stored."""
        check_tags(tags)
        resolved = resolve_autotune(request)
        definitions = check_tuning(resolved)
        for definition in definitions:
            self._check_jobs(request["HyperParameterTuningJobName"], definition, tags)
        prior = WarmStart(self.entities, self.trial_store).prior_trials(resolved, definitions)
        now = self.clock.now()
        entity = Entity(
            kind=EntityKind.TUNING,
            name=request["HyperParameterTuningJobName"],
            region=self.region,
            request={key: value for key, value in resolved.items() if key != "Tags"},
            created_at=now,
            modified_at=now,
            status=TuningStatus.IN_PROGRESS,
            detail=TuningDetail(creator).to_json(),
        )
        self.entities.add(entity, tags, trials=prior)
        _log_grid(entity.name, definitions)
        self.wake_event.wake()
        return TuningJob.of(entity)

    def describe(self, name: str) -> TuningJob:
        """Raises ResourceNotFound."""
        try:
            return TuningJob.of(self.entities.get(EntityKind.TUNING, name))
        except NotFound as error:
            raise ResourceNotFound(f"Amazon SageMaker can't find a tuning job with the name {name}.") from error

    def trials(self, tuning: TuningJob) -> tuple[Trial, ...]:
        """Returns the trials by their numbers, those of parents first."""
        return self.trial_store.of(tuning.name)

    def trials_of_all(self, tunings: Sequence[TuningJob]) -> Mapping[str, tuple[Trial, ...]]:
        """Returns the trials by name of the tuning job."""
        return self.trial_store.of_all([tuning.name for tuning in tunings])

    def find(self, query: EntityQuery) -> EntityPage:
        return self.entities.find(query)

    def stop(self, name: str) -> TuningJob:
        """Requests a stop of the tuning job and its trials. Does nothing for one that is stopping or has ended.

        Raises ResourceNotFound.
        """
        while True:
            tuning = self.describe(name)
            if tuning.status is not TuningStatus.IN_PROGRESS:
                return tuning
            after = tuning.changed(tuning.detail, at=self.clock.now(), status=TuningStatus.STOPPING)
            try:
                self.entities.update(after.entity, before=tuning.entity)
            except Conflict:
                continue
            self.wake_event.wake()
            return after

    def delete(self, name: str) -> None:
        """Deletes the tuning job and what it knows of its trials; their training jobs stay, as at AWS.

        Raises ResourceNotFound, and InUse before it has ended.
        """
        tuning = self.describe(name)
        if not tuning.status.is_final:
            raise InUse(f"tuning job {name} is {tuning.status}; stop it and wait for its end before you delete it")
        self.entities.delete(tuning.entity)

    def _check_jobs(self, name: str, definition: TuningDefinition, tags: Mapping[str, str]) -> None:
        """Checks a definition as its training jobs will be. Raises Invalid, LimitExceeded."""
        try:
            self.jobs.check(JobKind.TRAINING, definition.example_request(name), tags)
        except Invalid as error:
            raise Invalid(f"{_place(definition)}: {error}", hint=error.hint) from error


def _place(definition: TuningDefinition) -> str:
    return f"TrainingJobDefinitions.{definition.name}" if definition.name else "TrainingJobDefinition"


def _log_grid(name: str, definitions: Sequence[TuningDefinition]) -> None:
    """Says what of a grid is run, where that is not what was asked for."""
    limit = definitions[0].config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    if definitions[0].config["Strategy"] == "Grid" and limit is not None:
        count = sum(combinations(definition.dimensions) for definition in definitions)
        if count != limit:
            _LOG.warning(
                "tuning job %s: the grid has %d combinations, and %d training jobs are allowed: %d are run",
                name,
                count,
                limit,
                min(count, limit),
            )
