"""The model registry: packages and their groups."""

from typing import Any

from naiad.service.contract.tags import tags_of
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.endpoints.control.registry import name_from_arn
from naiad.service.gateway.operation import Context, operation
from naiad.service.gateway.operations.entity_listing import entity_query
from naiad.service.gateway.operations.listing import paged

_GROUP, _PACKAGE = EntityKind.MODEL_PACKAGE_GROUP, EntityKind.MODEL_PACKAGE


@operation("sagemaker", "CreateModelPackageGroup")
def create_model_package_group(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    return {"ModelPackageGroupArn": context.catalog.registry.create_group(asked, tags_of(asked)).arn}


@operation("sagemaker", "DescribeModelPackageGroup")
def describe_model_package_group(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    entity = context.catalog.registry.group(asked["ModelPackageGroupName"])
    return {**_group_summary(entity), "CreatedBy": {}}


@operation("sagemaker", "ListModelPackageGroups")
def list_model_package_groups(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    page = context.catalog.registry.find(entity_query(_GROUP, asked))
    return paged({"ModelPackageGroupSummaryList": [_group_summary(one) for one in page.entities]}, page.next_token)


@operation("sagemaker", "DeleteModelPackageGroup")
def delete_model_package_group(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    context.catalog.registry.delete_group(asked["ModelPackageGroupName"])
    return {}


@operation("sagemaker", "CreateModelPackage")
def create_model_package(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    return {"ModelPackageArn": context.catalog.registry.create_package(asked, tags_of(asked)).arn}


@operation("sagemaker", "DescribeModelPackage")
def describe_model_package(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    entity = context.catalog.registry.package(asked["ModelPackageName"])
    return {
        **entity.request,
        "ModelPackageName": entity.name.partition("/")[0],
        **_package_summary(entity),
        "ModelPackageStatusDetails": {"ValidationStatuses": [{"Name": entity.name, "Status": "NotStarted"}]},
        "LastModifiedTime": entity.modified_at,
        "CreatedBy": {},
    }


@operation("sagemaker", "ListModelPackages")
def list_model_packages(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    group = asked.get("ModelPackageGroupName")
    prefix = f"{name_from_arn(group)}/" if group is not None else None
    query = entity_query(_PACKAGE, asked, status=asked.get("ModelApprovalStatus"), name_prefix=prefix)
    page = context.catalog.registry.find(query)
    return paged({"ModelPackageSummaryList": [_package_summary(one) for one in page.entities]}, page.next_token)


@operation("sagemaker", "UpdateModelPackage")
def update_model_package(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    return {"ModelPackageArn": context.catalog.registry.update_package(asked).arn}


@operation("sagemaker", "DeleteModelPackage")
def delete_model_package(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    context.catalog.registry.delete_package(asked["ModelPackageName"])
    return {}


def _group_summary(entity: Entity) -> dict[str, Any]:
    description = entity.request.get("ModelPackageGroupDescription")
    return {
        "ModelPackageGroupName": entity.name,
        "ModelPackageGroupArn": entity.arn,
        "CreationTime": entity.created_at,
        "ModelPackageGroupStatus": "Completed",
        **({"ModelPackageGroupDescription": description} if description else {}),
    }


def _package_summary(entity: Entity) -> dict[str, Any]:
    group, slash, version = entity.name.partition("/")
    of_group = {"ModelPackageGroupName": group, "ModelPackageVersion": int(version)} if slash else {}
    description = entity.request.get("ModelPackageDescription")
    return {
        "ModelPackageArn": entity.arn,
        "CreationTime": entity.created_at,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": entity.status,
        **({} if slash else {"ModelPackageName": entity.name}),
        **of_group,
        **({"ModelPackageDescription": description} if description else {}),
    }
