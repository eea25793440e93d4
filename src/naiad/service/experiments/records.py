"""The records of experiments and lineage in the store: found by name, with the errors that AWS's clients look for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from naiad.service.contract.tags import check_tags
from naiad.service.domain.association import Association, AssociationType
from naiad.service.domain.clock import Clock
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import AlreadyExists, Invalid, NotFound, ResourceNotFound
from naiad.service.store.association_port import AssociationStore
from naiad.service.store.entity_port import EntityPage, EntityQuery, EntityStore

Request = Mapping[str, Any]

_NOUNS = {
    EntityKind.EXPERIMENT: "Experiment",
    EntityKind.TRIAL: "Trial",
    EntityKind.TRIAL_COMPONENT: "TrialComponent",
    EntityKind.ARTIFACT: "Artifact",
}


@dataclass(frozen=True)
class ExperimentRecords:
    """Safe for threads."""

    entities: EntityStore
    associations: AssociationStore
    clock: Clock
    region: str

    def make(self, kind: EntityKind, name: str, request: Request, *, detail: Request | None = None) -> Entity:
        now = self.clock.now()
        values = {key: value for key, value in request.items() if key != "Tags"}
        return Entity(kind, name, self.region, values, now, now, detail=detail or {})

    def association(self, source: str, destination: str, kind: AssociationType) -> Association:
        return Association(source, destination, kind, self.clock.now())

    def add(self, entity: Entity, tags: Mapping[str, str], associations: Sequence[Association] = ()) -> Entity:
        """Raises Invalid for a name that is taken, in words that the SageMaker SDK looks for."""
        check_tags(tags)
        try:
            self.entities.add(entity, tags, associations)
        except AlreadyExists as error:
            noun = _NOUNS[entity.kind]
            raise Invalid(f"{noun} {entity.name} already exists ({entity.arn}); choose another name") from error
        return entity

    def get(self, kind: EntityKind, name_or_arn: str) -> Entity:
        """Raises ResourceNotFound."""
        name = name_or_arn.rpartition("/")[2]
        try:
            entity = self.entities.get(kind, name)
        except NotFound as error:
            raise ResourceNotFound(f"{_NOUNS[kind]} '{self.arn(kind, name)}' does not exist.") from error
        if name_or_arn not in (name, entity.arn):
            raise ResourceNotFound(f"{_NOUNS[kind]} '{name_or_arn}' does not exist; did you mean {entity.arn}?")
        return entity

    def update(self, entity: Entity, changes: Request) -> Entity:
        """Replaces parts of the request. Raises Conflict, ResourceNotFound."""
        after = replace(entity, request={**entity.request, **changes}, modified_at=self.clock.now())
        return self.replace(after, before=entity)

    def replace(self, entity: Entity, *, before: Entity) -> Entity:
        """Raises Conflict, ResourceNotFound."""
        try:
            self.entities.update(entity, before=before)
        except NotFound as error:
            raise ResourceNotFound(f"{_NOUNS[entity.kind]} '{entity.arn}' does not exist.") from error
        return entity

    def find(self, query: EntityQuery) -> EntityPage:
        return self.entities.find(query)

    def members(self, kind: EntityKind, group: Entity) -> tuple[Entity, ...]:
        """Returns the members of an experiment or a trial, oldest first, at most 100."""
        return self.entities.find(EntityQuery(kind, member_of=group.arn)).entities

    def groups(self, kind: EntityKind, member: Entity) -> tuple[Entity, ...]:
        """Returns what the thing is a member of, oldest first, at most 100."""
        return self.entities.find(EntityQuery(kind, with_member=member.arn)).entities

    def arn(self, kind: EntityKind, name: str) -> str:
        return self.make(kind, name, {}).arn
