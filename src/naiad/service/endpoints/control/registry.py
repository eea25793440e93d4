"""Model registry: groups of packages, each version with its approval. Only approved packages are deployed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from naiad.service.contract.request_checks import refuse
from naiad.service.contract.tags import check_tags
from naiad.service.domain.clock import Clock
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import AlreadyExists, Conflict, InUse, Invalid, NotFound
from naiad.service.endpoints.control.model_request import check_container
from naiad.service.store.entity_port import EntityPage, EntityQuery, EntityStore

APPROVED, PENDING = "Approved", "PendingManualApproval"
_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:(model-package|model-package-group)/(.+)")
_UPDATABLE = ("ApprovalDescription", "InferenceSpecification", "SourceUri", "ModelCard", "ModelLifeCycle")
_GROUP, _PACKAGE = EntityKind.MODEL_PACKAGE_GROUP, EntityKind.MODEL_PACKAGE


@dataclass(frozen=True)
class ModelRegistry:
    """Safe for threads."""

    entities: EntityStore
    clock: Clock
    region: str
    has_bucket: Callable[[str], bool]

    def create_group(self, request: Mapping[str, Any], tags: Mapping[str, str]) -> Entity:
        """Raises Invalid."""
        check_tags(tags)
        entity = self._entity(_GROUP, request["ModelPackageGroupName"], request, detail={"last": 0})
        self._add(entity, tags)
        return entity

    def create_package(self, request: Mapping[str, Any], tags: Mapping[str, str], creator: str | None = None) -> Entity:
        """Adds the next version of a group, or a package with a name of its own. ``creator``: the caller's access key.

        Raises Invalid; NotFound for the group.
        """
        detail = {"creator": creator}
        check_tags(tags)
        self._check_package(request)
        group = request.get("ModelPackageGroupName")
        if group is None:
            status = request.get("ModelApprovalStatus", APPROVED)
            entity = self._entity(_PACKAGE, request["ModelPackageName"], request, status=status, detail=detail)
        else:
            name = name_from_arn(group)
            entity = self._entity(
                _PACKAGE,
                f"{name}/{self._next_version(name)}",
                request,
                status=request.get("ModelApprovalStatus", PENDING),
                detail=detail,
            )
        self._add(entity, tags)
        return entity

    def update_package(self, request: Mapping[str, Any], creator: str | None = None) -> Entity:
        """Changes the approval and the description. ``creator``: whose the containers are, where they are changed.

        Raises NotFound, Invalid.
        """
        refuse(dict(request), "AdditionalInferenceSpecificationsToAdd", "a package has one InferenceSpecification")
        entity = self.package(request["ModelPackageArn"])
        changes = {name: request[name] for name in _UPDATABLE if name in request}
        if "InferenceSpecification" in changes:
            self._check_package({**entity.request, **changes})
        properties = {
            **entity.request.get("CustomerMetadataProperties", {}),
            **request.get("CustomerMetadataProperties", {}),
        }
        for name in request.get("CustomerMetadataPropertiesToRemove", ()):
            properties.pop(name, None)
        after = replace(
            entity,
            request={**entity.request, **changes, "CustomerMetadataProperties": properties},
            status=request.get("ModelApprovalStatus", entity.status),
            modified_at=self.clock.now(),
            detail={"creator": creator} if "InferenceSpecification" in changes else entity.detail,
        )
        self._update(after, before=entity)
        return after

    def group(self, name_or_arn: str) -> Entity:
        """Raises NotFound."""
        return self._get(_GROUP, name_from_arn(name_or_arn))

    def package(self, name_or_arn: str) -> Entity:
        """Raises NotFound."""
        return self._get(_PACKAGE, name_from_arn(name_or_arn))

    def find(self, query: EntityQuery) -> EntityPage:
        return self.entities.find(query)

    def delete_group(self, name: str) -> None:
        """Raises NotFound, InUse while it has packages."""
        entity = self.group(name)
        versions = self.entities.find(EntityQuery(_PACKAGE, name_prefix=f"{entity.name}/", limit=1))
        if versions.entities:
            raise InUse(f"model package group {entity.name} has packages; delete them first")
        self.entities.delete(entity)

    def delete_package(self, name_or_arn: str) -> None:
        """The version's number is not used again. Raises NotFound."""
        self.entities.delete(self.package(name_or_arn))

    def approved_container(self, name_or_arn: str) -> Mapping[str, Any]:
        """Returns a package's container definition. Raises NotFound; Invalid for a package that is not approved."""
        entity = self.package(name_or_arn)
        if entity.status != APPROVED:
            raise Invalid(f"model package {entity.arn} is {entity.status}; approve it with UpdateModelPackage first")
        if "InferenceSpecification" not in entity.request:
            raise Invalid(f"model package {entity.arn} has no InferenceSpecification, so there is nothing to deploy")
        container: Mapping[str, Any] = entity.request["InferenceSpecification"]["Containers"][0]
        return container

    def _check_package(self, request: Mapping[str, Any]) -> None:
        """Raises Invalid. A package without an InferenceSpecification is kept, and cannot be deployed."""
        if "ModelPackageName" in request and "ModelPackageGroupName" in request:
            both = "Both ModelPackageName and ModelPackageGroupName are provided in the input."
            raise Invalid(f"{both} Cannot determine which one to use.")
        if "ModelPackageName" not in request and "ModelPackageGroupName" not in request:
            choices = "ModelPackageGroupName for a version of a group, or ModelPackageName for a package by itself"
            raise Invalid(f"Missing ARN. Give {choices}")
        refuse(dict(request), "ValidationSpecification", "packages are not validated by running them")
        refuse(dict(request), "SourceAlgorithmSpecification", "there is no marketplace; give InferenceSpecification")
        if "InferenceSpecification" not in request:
            return
        containers = request["InferenceSpecification"].get("Containers", ())
        if len(containers) != 1:
            raise Invalid(f"InferenceSpecification has {len(containers)} containers; a package here has one")
        check_container(containers[0], self.has_bucket)

    def _next_version(self, group: str) -> int:
        """Returns a number that no package of the group has had: the group counts them."""
        while True:
            entity = self.group(group)
            number = int(entity.detail["last"]) + 1
            after = replace(entity, detail={**entity.detail, "last": number}, modified_at=self.clock.now())
            try:
                self.entities.update(after, before=entity)
            except Conflict:
                continue
            return number

    def _update(self, after: Entity, *, before: Entity) -> None:
        try:
            self.entities.update(after, before=before)
        except Conflict as error:
            raise Invalid(f"model package {before.arn} was changed meanwhile; describe it and try again") from error

    def _get(self, kind: EntityKind, name: str) -> Entity:
        try:
            return self.entities.get(kind, name)
        except NotFound as error:
            noun = "Model Package Group" if kind is _GROUP else "Model Package"
            raise NotFound(f"{noun} does not exist. There is none of the name {name}") from error

    def _add(self, entity: Entity, tags: Mapping[str, str]) -> None:
        try:
            self.entities.add(entity, tags)
        except AlreadyExists as error:
            noun = "Model Package Group" if entity.kind is _GROUP else "Model Package"
            raise Invalid(f"{noun} already exists: {entity.arn}") from error

    def _entity(
        self,
        kind: EntityKind,
        name: str,
        request: Mapping[str, Any],
        *,
        status: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> Entity:
        now = self.clock.now()
        values = {
            key: value for key, value in request.items() if key not in {"Tags", "ModelApprovalStatus", "ClientToken"}
        }
        return Entity(kind, name, self.region, values, now, now, status, detail or {})


def name_from_arn(name_or_arn: str) -> str:
    """Returns ``group`` or ``group/version``. Raises Invalid for an ARN of another kind."""
    if not name_or_arn.startswith("arn:"):
        return name_or_arn
    match = _ARN.fullmatch(name_or_arn)
    if match is None:
        raise Invalid(f"{name_or_arn!r} is not the ARN of a model package or of a model package group")
    return match[2]
