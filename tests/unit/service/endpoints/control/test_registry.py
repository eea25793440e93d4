import pytest

from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import InUse, Invalid, NotFound
from naiad.service.endpoints.control.registry import ModelRegistry, name_from_arn
from naiad.service.store.entity_port import EntityQuery

CONTAINER = {"Image": "a", "ModelDataUrl": "s3://data/m.tar.gz"}
SPECIFICATION = {"InferenceSpecification": {"Containers": [CONTAINER]}}


@pytest.fixture
def registry(service) -> ModelRegistry:
    service.catalog.registry.create_group({"ModelPackageGroupName": "shoes"}, {})
    return service.catalog.registry


def version(registry: ModelRegistry, **more: object):
    return registry.create_package({"ModelPackageGroupName": "shoes", **SPECIFICATION, **more}, {})


def test_version_numbers_increase_and_are_not_used_again(registry: ModelRegistry):
    assert [version(registry).name for _ in range(2)] == ["shoes/1", "shoes/2"]
    registry.delete_package("shoes/2")
    assert version(registry).name == "shoes/3"
    page = registry.find(EntityQuery(EntityKind.MODEL_PACKAGE, name_prefix="shoes/", sort_by="name"))
    assert [one.name for one in page.entities] == ["shoes/1", "shoes/3"]


def test_only_approved_packages_have_a_container(registry: ModelRegistry):
    arn = version(registry).arn
    with pytest.raises(Invalid, match="is PendingManualApproval; approve it"):
        registry.approved_container(arn)
    registry.update_package(
        {"ModelPackageArn": arn, "ModelApprovalStatus": "Approved", "CustomerMetadataProperties": {"a": "1"}}
    )
    assert registry.approved_container(arn) == CONTAINER
    registry.update_package(
        {"ModelPackageArn": arn, "ModelApprovalStatus": "Rejected", "CustomerMetadataPropertiesToRemove": ["a"]}
    )
    package = registry.package(arn)
    assert (package.status, package.request["CustomerMetadataProperties"]) == ("Rejected", {})


def test_a_group_with_packages_cannot_be_deleted(registry: ModelRegistry):
    version(registry)
    with pytest.raises(InUse, match="delete them first"):
        registry.delete_group("shoes")
    registry.delete_package("shoes/1")
    registry.delete_group("shoes")
    with pytest.raises(NotFound, match="Model Package Group does not exist"):
        registry.group("shoes")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (SPECIFICATION, "Missing ARN. Give ModelPackageGroupName"),
        ({"ModelPackageGroupName": "shoes", "ModelPackageName": "a", **SPECIFICATION}, "Both ModelPackageName and"),
        ({"ModelPackageGroupName": "shoes", "InferenceSpecification": {"Containers": []}}, "0 containers"),
        ({"ModelPackageName": "a", "InferenceSpecification": {"Containers": [{"Image": "a"}]}}, "no model data"),
    ],
)
def test_malformed_packages(registry: ModelRegistry, request_: dict[str, object], message: str):
    with pytest.raises(Invalid, match=message):
        registry.create_package(request_, {})


def test_a_package_without_a_specification_is_kept_and_not_deployed(registry: ModelRegistry):
    request = {"ModelPackageName": "notes", "ModelApprovalStatus": "Rejected", "SourceUri": "s3://data/x"}
    entity = registry.create_package(request, {})
    assert (entity.status, entity.request["SourceUri"]) == ("Rejected", "s3://data/x")
    registry.update_package({"ModelPackageArn": entity.arn, "ModelApprovalStatus": "Approved"})
    with pytest.raises(Invalid, match="there is nothing to deploy"):
        registry.approved_container("notes")


def test_name_from_arn():
    assert name_from_arn("arn:aws:sagemaker:us-east-1:000000000000:model-package/shoes/3") == "shoes/3"
    assert name_from_arn("shoes") == "shoes"
    with pytest.raises(Invalid, match="not the ARN"):
        name_from_arn("arn:aws:sagemaker:us-east-1:000000000000:model/shoes")
