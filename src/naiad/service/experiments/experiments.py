"""Experiments and their trials: create, change, delete. A trial belongs to one experiment."""

from collections.abc import Mapping
from dataclasses import dataclass

from naiad.service.domain.association import AssociationType
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import Invalid
from naiad.service.experiments.records import ExperimentRecords, Request

_EXPERIMENT, _TRIAL, _COMPONENT = EntityKind.EXPERIMENT, EntityKind.TRIAL, EntityKind.TRIAL_COMPONENT


@dataclass(frozen=True)
class Experiments:
    """Safe for threads."""

    records: ExperimentRecords

    def create(self, request: Request, tags: Mapping[str, str]) -> Entity:
        """Raises Invalid."""
        return self.records.add(self.records.make(_EXPERIMENT, request["ExperimentName"], request), tags)

    def create_trial(self, request: Request, tags: Mapping[str, str]) -> Entity:
        """Raises ResourceNotFound for the experiment, Invalid."""
        experiment = self.get(request["ExperimentName"])
        trial = self.records.make(_TRIAL, request["TrialName"], {**request, "ExperimentName": experiment.name})
        membership = self.records.association(trial.arn, experiment.arn, AssociationType.MEMBER)
        return self.records.add(trial, tags, [membership])

    def get(self, name: str) -> Entity:
        """Raises ResourceNotFound."""
        return self.records.get(_EXPERIMENT, name)

    def get_trial(self, name: str) -> Entity:
        """Raises ResourceNotFound."""
        return self.records.get(_TRIAL, name)

    def update(self, request: Request) -> Entity:
        """Changes the display name and the description. Raises ResourceNotFound, Conflict."""
        return self.records.update(self.get(request["ExperimentName"]), request)

    def update_trial(self, request: Request) -> Entity:
        """Changes the display name. Raises ResourceNotFound, Conflict."""
        return self.records.update(self.get_trial(request["TrialName"]), request)

    def delete(self, name: str) -> Entity:
        """Raises ResourceNotFound; Invalid while it has trials."""
        experiment = self.get(name)
        if self.records.members(_TRIAL, experiment):
            raise Invalid(f"experiment {name} has trials; delete them first")
        self.records.entities.delete(experiment)
        return experiment

    def delete_trial(self, name: str) -> Entity:
        """Raises ResourceNotFound; Invalid while it has trial components."""
        trial = self.get_trial(name)
        if self.records.members(_COMPONENT, trial):
            raise Invalid(f"trial {name} has trial components; disassociate them first")
        self.records.entities.delete(trial)
        return trial
