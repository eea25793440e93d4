import pytest

from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import InUse, Invalid, NotFound
from naiad.service.endpoints.control.registry import Registry, plain_name
from naiad.service.store.entity_port import EntityQuery

CONTAINER = {"Image": "a", "ModelDataUrl": "s3://data/m.tar.gz"}
SPECIFICATION = {"InferenceSpecification": {"Containers": [CONTAINER]}}


@pytest.fixture
def registry(service) -> Registry:
    service.catalog.registry.create_group({"ModelPackageGroupName": "shoes"}, {})
    return service.catalog.registry


def version(registry: Registry, **more: object):
    return registry.create_package({"ModelPackageGroupName": "shoes", **SPECIFICATION, **more}, {})


def test_versions_count_up_and_are_not_given_again(registry: Registry):
    assert [version(registry).name for _ in range(2)] == ["shoes/1", "shoes/2"]
    registry.delete_package("shoes/2")
    assert version(registry).name == "shoes/3"
    found = registry.find(EntityQuery(EntityKind.MODEL_PACKAGE, name_prefix="shoes/", sort_by="name"))
    assert [one.name for one in found.entities] == ["shoes/1", "shoes/3"]


def test_only_what_is_approved_is_deployed(registry: Registry):
    arn = version(registry).arn
    with pytest.raises(Invalid, match="is PendingManualApproval; approve it"):
        registry.container_of(arn)
    registry.update_package(
        {"ModelPackageArn": arn, "ModelApprovalStatus": "Approved", "CustomerMetadataProperties": {"a": "1"}}
    )
    assert registry.container_of(arn) == CONTAINER
    registry.update_package(
        {"ModelPackageArn": arn, "ModelApprovalStatus": "Rejected", "CustomerMetadataPropertiesToRemove": ["a"]}
    )
    found = registry.package(arn)
    assert (found.status, found.request["CustomerMetadataProperties"]) == ("Rejected", {})


def test_a_group_with_packages_stays(registry: Registry):
    version(registry)
    with pytest.raises(InUse, match="delete them first"):
        registry.delete_group("shoes")
    registry.delete_package("shoes/1")
    registry.delete_group("shoes")
    with pytest.raises(NotFound, match="ModelPackageGroup shoes does not exist"):
        registry.group("shoes")


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (SPECIFICATION, "give ModelPackageGroupName"),
        ({"ModelPackageGroupName": "shoes", "ModelPackageName": "a", **SPECIFICATION}, "give ModelPackageGroupName"),
        ({"ModelPackageGroupName": "shoes"}, "0 containers"),
        ({"ModelPackageName": "a", "InferenceSpecification": {"Containers": [{"Image": "a"}]}}, "no model data"),
    ],
)
def test_what_is_no_package(registry: Registry, request_: dict[str, object], said: str):
    with pytest.raises(Invalid, match=said):
        registry.create_package(request_, {})


def test_names_from_arns():
    assert plain_name("arn:aws:sagemaker:us-east-1:000000000000:model-package/shoes/3") == "shoes/3"
    assert plain_name("shoes") == "shoes"
    with pytest.raises(Invalid, match="not the ARN"):
        plain_name("arn:aws:sagemaker:us-east-1:000000000000:model/shoes")
