"""Trial components: create, change, delete, and the trials that they are associated with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from naiad.service.domain.association import AssociationType
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import AlreadyExists, Conflict, Invalid
from naiad.service.experiments.component_metrics import put_points, remove_points
from naiad.service.experiments.json_times import to_stored
from naiad.service.experiments.records import ExperimentRecords, Request
from naiad.service.metric_points import MetricPoint

_TRIAL, _COMPONENT = EntityKind.TRIAL, EntityKind.TRIAL_COMPONENT
_MAPS = ("Parameters", "InputArtifacts", "OutputArtifacts")
_LIMITS = {"Parameters": 300, "InputArtifacts": 60, "OutputArtifacts": 60}


@dataclass(frozen=True)
class TrialComponents:
    """Safe for threads."""

    records: ExperimentRecords
    state_folder: Path

    def create(self, request: Request, tags: Mapping[str, str]) -> Entity:
        """Raises Invalid."""
        entity = self.records.make(_COMPONENT, request["TrialComponentName"], to_stored(request))
        return self.records.add(_with_status(entity), tags)

    def get(self, name_or_arn: str) -> Entity:
        """Raises ResourceNotFound."""
        return self.records.get(_COMPONENT, name_or_arn)

    def update(self, request: Request) -> Entity:
        """Adds parameters and artifacts, or replaces those of the same names; removes those that are named so.

        Raises ResourceNotFound; Invalid for too many of them.
        """
        while True:
            entity = self.get(request["TrialComponentName"])
            values = {**entity.request, **_changes(entity, to_stored(request))}
            after = replace(entity, request=values, modified_at=self.records.clock.now())
            try:
                return self.records.replace(_with_status(after), before=entity)
            except Conflict:
                continue

    def delete(self, name: str) -> Entity:
        """Raises ResourceNotFound; Invalid while it is associated with a trial."""
        entity = self.get(name)
        trials = self.records.groups(_TRIAL, entity)
        if trials:
            raise Invalid(
                f"trial component {name} is associated with the trial {trials[0].name}; disassociate it first"
            )
        self.records.entities.delete(entity)
        remove_points(self.state_folder, entity.name)
        return entity

    def associate(self, name: str, trial_name: str) -> tuple[Entity, Entity]:
        """Returns the component and the trial. Repeating it changes nothing. Raises ResourceNotFound."""
        trial = self.records.get(_TRIAL, trial_name)
        entity = self.get(name)
        try:
            membership = self.records.association(entity.arn, trial.arn, AssociationType.MEMBER)
            self.records.associations.add(membership)
        except AlreadyExists:
            pass
        return entity, trial

    def disassociate(self, name: str, trial_name: str) -> tuple[str, str]:
        """Returns the ARNs of the component and of the trial. Does nothing where they are not associated."""
        arns = self.records.arn(_COMPONENT, name), self.records.arn(_TRIAL, trial_name)
        self.records.associations.remove(*arns)
        return arns

    def put_metrics(self, name: str, points: list[MetricPoint]) -> None:
        """Raises ResourceNotFound, LimitExceeded."""
        put_points(self.state_folder, self.get(name).name, points)


def _with_status(entity: Entity) -> Entity:
    return replace(entity, status=entity.request.get("Status", {}).get("PrimaryStatus", ""))


def _changes(entity: Entity, request: Request) -> Request:
    changes = {key: value for key, value in request.items() if not key.endswith("ToRemove")}
    for name in _MAPS:
        if name not in request and f"{name}ToRemove" not in request:
            continue
        removed = set(request.get(f"{name}ToRemove", ()))
        before = {key: value for key, value in entity.request.get(name, {}).items() if key not in removed}
        changes[name] = {**before, **request.get(name, {})}
        if len(changes[name]) > _LIMITS[name]:
            raise Invalid(
                f"{name} would have {len(changes[name])} entries; a trial component has {_LIMITS[name]} at most"
            )
    return changes
