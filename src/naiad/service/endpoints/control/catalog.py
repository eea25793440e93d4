"""Catalog of models and endpoint configurations: what endpoints and transform jobs are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.model_data import check_model_data
from naiad.service.contract.tags import check_tags
from naiad.service.domain.clock import Clock
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import AlreadyExists, Invalid, NotFound
from naiad.service.endpoints.control.endpoint_config_request import check_endpoint_config
from naiad.service.endpoints.control.model_request import check_container, single_container
from naiad.service.endpoints.control.registry import ModelRegistry
from naiad.service.store.entity_port import EntityPage, EntityQuery, EntityStore

_KIND_NAMES = {EntityKind.MODEL: "model", EntityKind.ENDPOINT_CONFIG: "endpoint configuration"}


@dataclass(frozen=True)
class ModelCatalog:
    """Safe for threads."""

    entities: EntityStore
    registry: ModelRegistry
    clock: Clock
    region: str
    blobs: BlobStore

    def create_model(self, request: Mapping[str, Any], tags: Mapping[str, str], creator: str | None = None) -> Entity:
        """``creator``: the caller's access key. Raises Invalid; NotFound for a model package."""
        resolved = self.resolve_container(request)
        check_container(resolved, self.blobs.has_bucket)
        check_model_data(self.blobs, resolved)
        return self._add(EntityKind.MODEL, request["ModelName"], request, tags, {"creator": creator})

    def create_endpoint_config(self, request: Mapping[str, Any], tags: Mapping[str, str]) -> Entity:
        """Raises Invalid; NotFound for a model."""
        check_endpoint_config(request)
        for variant in (*request["ProductionVariants"], *request.get("ShadowProductionVariants", ())):
            self.get(EntityKind.MODEL, variant["ModelName"])
        return self._add(EntityKind.ENDPOINT_CONFIG, request["EndpointConfigName"], request, tags)

    def get(self, kind: EntityKind, name: str) -> Entity:
        """Raises NotFound, in the words that AWS's SDKs test for."""
        try:
            return self.entities.get(kind, name)
        except NotFound as error:
            raise NotFound(f'Could not find {_KIND_NAMES[kind]} "{self._arn(kind, name)}".') from error

    def endpoint_config(self, name: str) -> Entity:
        """Raises NotFound."""
        return self.get(EntityKind.ENDPOINT_CONFIG, name)

    def model_container(self, name: str) -> Mapping[str, Any]:
        """Returns a model's container definition; the one of its package, when it names one.

        Raises NotFound; Invalid for a package that is not approved.
        """
        return self.resolve_container(self.get(EntityKind.MODEL, name).request)

    def resolve_container(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns the container definition of CreateModel's request. Raises as ``model_container`` does."""
        return self._resolve_package(single_container(request))

    def find(self, query: EntityQuery) -> EntityPage:
        return self.entities.find(query)

    def delete(self, kind: EntityKind, name: str) -> None:
        """Deletes it; endpoints that were made from it do not change. Raises NotFound."""
        self.entities.delete(self.get(kind, name))

    def _resolve_package(self, container: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns the package's definition with the environments of both, or the container itself when it names none."""
        package = container.get("ModelPackageName")
        if package is None:
            return container
        resolved = self.registry.approved_container(package)
        environment = {**resolved.get("Environment", {}), **container.get("Environment", {})}
        return {**resolved, "Environment": environment}

    def _add(
        self,
        kind: EntityKind,
        name: str,
        request: Mapping[str, Any],
        tags: Mapping[str, str],
        detail: Mapping[str, Any] | None = None,
    ) -> Entity:
        check_tags(tags)
        now = self.clock.now()
        values = {key: value for key, value in request.items() if key != "Tags"}
        entity = Entity(kind, name, self.region, values, now, now, detail=detail or {})
        try:
            self.entities.add(entity, tags)
        except AlreadyExists as error:
            raise Invalid(f'Cannot create already existing {_KIND_NAMES[kind]} "{entity.arn}".') from error
        return entity

    def _arn(self, kind: EntityKind, name: str) -> str:
        now = self.clock.now()
        return Entity(kind, name, self.region, {}, now, now).arn
