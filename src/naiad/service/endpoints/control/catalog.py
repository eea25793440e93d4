"""Models and endpoint configurations: what an endpoint, or a transform job, is made from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from naiad.service.contract.tags import check_tags
from naiad.service.domain.clock import Clock
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import AlreadyExists, Invalid, NotFound
from naiad.service.endpoints.control.endpoint_config_request import check_configuration
from naiad.service.endpoints.control.model_request import check_container, container_in
from naiad.service.endpoints.control.registry import Registry
from naiad.service.store.entity_port import EntityPage, EntityQuery, EntityStore

_WORDS = {EntityKind.MODEL: "model", EntityKind.ENDPOINT_CONFIG: "endpoint configuration"}


@dataclass(frozen=True)
class Catalog:
    """Safe for threads."""

    entities: EntityStore
    registry: Registry
    clock: Clock
    region: str
    has_bucket: Callable[[str], bool]

    def create_model(self, request: Mapping[str, Any], tags: Mapping[str, str]) -> Entity:
        """Raises Invalid, NotFound for a model package."""
        container = container_in(request)
        check_container(self._resolved(container), self.has_bucket)
        return self._add(EntityKind.MODEL, request["ModelName"], request, tags)

    def create_endpoint_config(self, request: Mapping[str, Any], tags: Mapping[str, str]) -> Entity:
        """Raises Invalid, NotFound for a model."""
        check_configuration(request)
        for variant in (*request["ProductionVariants"], *request.get("ShadowProductionVariants", ())):
            self.get(EntityKind.MODEL, variant["ModelName"])
        return self._add(EntityKind.ENDPOINT_CONFIG, request["EndpointConfigName"], request, tags)

    def get(self, kind: EntityKind, name: str) -> Entity:
        """Raises NotFound, in the words that AWS's SDKs test for."""
        try:
            return self.entities.get(kind, name)
        except NotFound as error:
            raise NotFound(f'Could not find {_WORDS[kind]} "{self._arn(kind, name)}".') from error

    def endpoint_config(self, name: str) -> Entity:
        """Raises NotFound."""
        return self.get(EntityKind.ENDPOINT_CONFIG, name)

    def container_of_model(self, name: str) -> Mapping[str, Any]:
        """The container definition, a package's in place of its name. Raises NotFound, Invalid for one that is not approved."""
        return self._resolved(container_in(self.get(EntityKind.MODEL, name).request))

    def find(self, query: EntityQuery) -> EntityPage:
        return self.entities.find(query)

    def delete(self, kind: EntityKind, name: str) -> None:
        """What was made from it goes on. Raises NotFound."""
        self.entities.delete(self.get(kind, name))

    def _resolved(self, container: Mapping[str, Any]) -> Mapping[str, Any]:
        package = container.get("ModelPackageName")
        if package is None:
            return container
        found = self.registry.container_of(package)
        environment = {**found.get("Environment", {}), **container.get("Environment", {})}
        return {**found, "Environment": environment}

    def _add(self, kind: EntityKind, name: str, request: Mapping[str, Any], tags: Mapping[str, str]) -> Entity:
        check_tags(tags)
        now = self.clock.now()
        kept = {key: value for key, value in request.items() if key != "Tags"}
        entity = Entity(kind, name, self.region, kept, now, now)
        try:
            self.entities.add(entity, tags)
        except AlreadyExists as error:
            raise Invalid(f'Cannot create already existing {_WORDS[kind]} "{entity.arn}".') from error
        return entity

    def _arn(self, kind: EntityKind, name: str) -> str:
        now = self.clock.now()
        return Entity(kind, name, self.region, {}, now, now).arn
