"""The model registry: packages and their groups."""

from dataclasses import replace

from naiad.service.contract.tags import tags_of
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.endpoints.control.catalog import ModelCatalog
from naiad.service.endpoints.control.registry import name_from_arn
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.entity_query import entity_query
from naiad.service.gateway.operations.hidden_environment import visible_entity
from naiad.service.gateway.operations.paging import with_next_token
from naiad.service.gateway.signing.authenticator import Principal

_GROUP, _PACKAGE = EntityKind.MODEL_PACKAGE_GROUP, EntityKind.MODEL_PACKAGE
_HAS_VERSION = {"Versioned": True, "Unversioned": False, "Both": None}


@operation("sagemaker", "CreateModelPackageGroup")
def create_model_package_group(catalog: ModelCatalog, request: Shape) -> Shape:
    return {"ModelPackageGroupArn": catalog.registry.create_group(request, tags_of(request)).arn}


@operation("sagemaker", "DescribeModelPackageGroup")
def describe_model_package_group(catalog: ModelCatalog, request: Shape) -> Shape:
    return group_description(catalog.registry.group(request["ModelPackageGroupName"]))


@operation(
    "sagemaker",
    "ListModelPackageGroups",
    not_served="there is one account, so CrossAccount finds nothing",
)
def list_model_package_groups(catalog: ModelCatalog, request: Shape) -> Shape:
    if request.get("CrossAccountFilterOption") == "CrossAccount":
        return {"ModelPackageGroupSummaryList": []}  # there are no other accounts here
    page = catalog.registry.find(entity_query(_GROUP, request, default_order="Ascending"))
    summaries = [_group_summary(entity) for entity in page.entities]
    return with_next_token({"ModelPackageGroupSummaryList": summaries}, page.next_token)


@operation("sagemaker", "DeleteModelPackageGroup")
def delete_model_package_group(catalog: ModelCatalog, request: Shape) -> Shape:
    catalog.registry.delete_group(request["ModelPackageGroupName"])
    return {}


@operation(
    "sagemaker",
    "CreateModelPackage",
    not_served="ValidationSpecification; SourceAlgorithmSpecification; more than one container. A package without "
    "InferenceSpecification is kept, and cannot be deployed",
)
def create_model_package(catalog: ModelCatalog, principal: Principal, request: Shape) -> Shape:
    package = catalog.registry.create_package(request, tags_of(request), principal.permanent_key)
    return {"ModelPackageArn": package.arn}


@operation("sagemaker", "DescribeModelPackage")
def describe_model_package(catalog: ModelCatalog, principal: Principal, request: Shape) -> Shape:
    package = catalog.registry.package(request["ModelPackageName"])
    return package_description(visible_entity(principal, package))


@operation("sagemaker", "ListModelPackages")
def list_model_packages(catalog: ModelCatalog, request: Shape) -> Shape:
    """Lists unversioned packages, unless a group or a type is given, as AWS does."""
    query = entity_query(_PACKAGE, request, status=request.get("ModelApprovalStatus"), default_order="Ascending")
    group = request.get("ModelPackageGroupName")
    default_type = "Unversioned" if group is None else "Both"
    has_version = _HAS_VERSION[request.get("ModelPackageType", default_type)]
    prefix = f"{name_from_arn(group)}/" if group is not None else None
    page = catalog.registry.find(replace(query, has_version=has_version, name_prefix=prefix))
    summaries = [_package_summary(entity) for entity in page.entities]
    return with_next_token({"ModelPackageSummaryList": summaries}, page.next_token)


@operation(
    "sagemaker",
    "UpdateModelPackage",
    not_served="AdditionalInferenceSpecificationsToAdd",
)
def update_model_package(catalog: ModelCatalog, principal: Principal, request: Shape) -> Shape:
    return {"ModelPackageArn": catalog.registry.update_package(request, principal.permanent_key).arn}


@operation("sagemaker", "DeleteModelPackage")
def delete_model_package(catalog: ModelCatalog, request: Shape) -> Shape:
    catalog.registry.delete_package(request["ModelPackageName"])
    return {}


def group_description(entity: Entity) -> Shape:
    return {**_group_summary(entity), "CreatedBy": {}}


def package_description(entity: Entity) -> Shape:
    return {
        **entity.request,
        "ModelPackageName": entity.name.partition("/")[0],
        **_package_summary(entity),
        "ModelPackageStatusDetails": {"ValidationStatuses": [{"Name": entity.name, "Status": "NotStarted"}]},
        "LastModifiedTime": entity.modified_at,
        "CreatedBy": {},
    }


def _group_summary(entity: Entity) -> Shape:
    description = entity.request.get("ModelPackageGroupDescription")
    return {
        "ModelPackageGroupName": entity.name,
        "ModelPackageGroupArn": entity.arn,
        "CreationTime": entity.created_at,
        "ModelPackageGroupStatus": "Completed",
        **({"ModelPackageGroupDescription": description} if description else {}),
    }


def _package_summary(entity: Entity) -> Shape:
    """Summary of a package: a version of its group, or one with a name of its own."""
    name, slash, version = entity.name.partition("/")
    if slash:
        naming: Shape = {"ModelPackageGroupName": name, "ModelPackageVersion": int(version)}
    else:
        naming = {"ModelPackageName": name}
    description = entity.request.get("ModelPackageDescription")
    return {
        "ModelPackageArn": entity.arn,
        "CreationTime": entity.created_at,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": entity.status,
        **naming,
        **({"ModelPackageDescription": description} if description else {}),
    }
