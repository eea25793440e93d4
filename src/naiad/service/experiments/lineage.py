"""Lineage: artifacts, and associations between them, experiments and trial components."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from naiad.service.domain.association import LINEAGE_TYPES, Association, AssociationType
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import AlreadyExists, Invalid, NotFound, ResourceNotFound
from naiad.service.experiments.records import ExperimentRecords, Request

_KINDS = (EntityKind.ARTIFACT, EntityKind.TRIAL_COMPONENT, EntityKind.EXPERIMENT)


@dataclass(frozen=True)
class Lineage:
    """Safe for threads."""

    records: ExperimentRecords

    def create_artifact(self, request: Request, tags: Mapping[str, str]) -> Entity:
        """Returns an artifact with a new ARN; artifacts may share a name and a source."""
        entity = self.records.make(EntityKind.ARTIFACT, secrets.token_hex(16), request)
        return self.records.add(entity, tags)

    def artifact(self, arn: str) -> Entity:
        """Raises ResourceNotFound."""
        return self.records.get(EntityKind.ARTIFACT, arn)

    def update_artifact(self, request: Request) -> Entity:
        """Changes the name and the properties. Raises ResourceNotFound, Conflict."""
        entity = self.artifact(request["ArtifactArn"])
        changes = {key: request[key] for key in ("ArtifactName",) if key in request}
        removed = set(request.get("PropertiesToRemove", ()))
        properties = {**entity.request.get("Properties", {}), **request.get("Properties", {})}
        changes["Properties"] = {key: value for key, value in properties.items() if key not in removed}
        return self.records.update(entity, changes)

    def delete_artifact(self, request: Request) -> Entity:
        """Raises ResourceNotFound, Invalid."""
        if "ArtifactArn" not in request:
            raise Invalid("give ArtifactArn: artifacts are not deleted by their Source here, which several may share")
        entity = self.artifact(request["ArtifactArn"])
        self.records.entities.delete(entity)
        return entity

    def add_association(self, source: str, destination: str, kind: str) -> Association:
        """Raises ResourceNotFound; Invalid where there is one already, in words that the SageMaker SDK looks for."""
        self.end(source)
        self.end(destination)
        added = self.records.association(source, destination, AssociationType(kind))
        try:
            self.records.associations.add(added)
        except AlreadyExists as error:
            raise Invalid(str(error)) from error
        return added

    def remove_association(self, source: str, destination: str) -> None:
        """Raises ResourceNotFound."""
        if not any(one.type in LINEAGE_TYPES for one in self._between(source, destination)):
            raise ResourceNotFound(f"there is no association from {source} to {destination}")
        self.records.associations.remove(source, destination)

    def associations(self, *, source: str | None, destination: str | None) -> list[Association]:
        found = self.records.associations.find(source=source, destination=destination)
        return [one for one in found if one.type in LINEAGE_TYPES]

    def end(self, arn: str) -> Entity:
        """Returns the thing at an end of an association. Raises ResourceNotFound."""
        prefix, _, name = arn.partition("/")
        kind = next((kind for kind in _KINDS if prefix.endswith(f":{kind}")), None)
        if kind is None:
            raise Invalid(f"{arn!r} cannot be associated here; {', '.join(_KINDS)} can")
        try:
            entity = self.records.entities.get(kind, name)
        except NotFound as error:
            raise ResourceNotFound(f"{arn} does not exist.") from error
        if entity.arn != arn:
            raise ResourceNotFound(f"{arn} does not exist; did you mean {entity.arn}?")
        return entity

    def _between(self, source: str, destination: str) -> tuple[Association, ...]:
        return self.records.associations.find(source=source, destination=destination)
