"""Models, configurations and the registry by boto3, against a gateway on loopback."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/naiad"
CONTAINER = {"Image": "a", "ModelDataUrl": "s3://data/m.tar.gz"}
VARIANT = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}


@pytest.fixture
def sagemaker(live: Any) -> Any:
    live.services.blobs.put("data", "m.tar.gz", [b""])
    client = live.client("sagemaker")
    client.create_model(
        ModelName="m", PrimaryContainer=CONTAINER, ExecutionRoleArn=ROLE, Tags=[{"Key": "a", "Value": "1"}]
    )
    return client


def test_models(sagemaker: Any):
    described = sagemaker.describe_model(ModelName="m")
    assert (described["PrimaryContainer"], described["ExecutionRoleArn"]) == (CONTAINER, ROLE)
    assert sagemaker.list_tags(ResourceArn=described["ModelArn"])["Tags"] == [{"Key": "a", "Value": "1"}]
    for number in range(3):
        sagemaker.create_model(ModelName=f"n{number}", PrimaryContainer=CONTAINER, ExecutionRoleArn=ROLE)
    pages = sagemaker.get_paginator("list_models").paginate(
        NameContains="n", SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    assert [one["ModelName"] for page in pages for one in page["Models"]] == ["n0", "n1", "n2"]
    sagemaker.delete_model(ModelName="m")
    with pytest.raises(ClientError, match="Could not find model") as caught:
        sagemaker.describe_model(ModelName="m")
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_configurations(sagemaker: Any):
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[{**VARIANT, "InstanceType": "local"}])
    described = sagemaker.describe_endpoint_config(EndpointConfigName="c")
    assert described["ProductionVariants"] == [{**VARIANT, "InstanceType": "local"}]
    assert [one["EndpointConfigName"] for one in sagemaker.list_endpoint_configs()["EndpointConfigs"]] == ["c"]
    with pytest.raises(ClientError, match="Cannot create already existing endpoint configuration"):
        sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[VARIANT])
    sagemaker.delete_endpoint_config(EndpointConfigName="c")
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        sagemaker.describe_endpoint_config(EndpointConfigName="c")


def test_the_registry(sagemaker: Any):
    sagemaker.create_model_package_group(ModelPackageGroupName="g", ModelPackageGroupDescription="shoes")
    specification = {
        "Containers": [CONTAINER],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    }
    arns = [
        sagemaker.create_model_package(ModelPackageGroupName="g", InferenceSpecification=specification)[
            "ModelPackageArn"
        ]
        for _ in range(2)
    ]
    assert [arn.rpartition(":")[2] for arn in arns] == ["model-package/g/1", "model-package/g/2"]
    with pytest.raises(ClientError, match="is PendingManualApproval"):
        sagemaker.create_model(ModelName="p", PrimaryContainer={"ModelPackageName": arns[1]}, ExecutionRoleArn=ROLE)
    sagemaker.update_model_package(ModelPackageArn=arns[1], ModelApprovalStatus="Approved", ApprovalDescription="good")
    sagemaker.create_model(ModelName="p", PrimaryContainer={"ModelPackageName": arns[1]}, ExecutionRoleArn=ROLE)
    described = sagemaker.describe_model_package(ModelPackageName=arns[1])
    assert (described["ModelPackageVersion"], described["ModelApprovalStatus"], described["ApprovalDescription"]) == (
        2,
        "Approved",
        "good",
    )
    packages = sagemaker.list_model_packages(ModelPackageGroupName="g", ModelApprovalStatus="Approved")
    assert [one["ModelPackageVersion"] for one in packages["ModelPackageSummaryList"]] == [2]
    with pytest.raises(ClientError, match="delete them first"):
        sagemaker.delete_model_package_group(ModelPackageGroupName="g")
    for arn in arns:
        sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName="g")
    assert sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []


def test_endpoints_without_a_reconciler(sagemaker: Any):
    """An endpoint stays in Creating, because nothing starts its replicas here."""
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[VARIANT])
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c", Tags=[{"Key": "a", "Value": "1"}])
    described = sagemaker.describe_endpoint(EndpointName="e")
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("Creating", "c")
    assert sagemaker.list_tags(ResourceArn=described["EndpointArn"])["Tags"] == [{"Key": "a", "Value": "1"}]
    assert [one["EndpointName"] for one in sagemaker.list_endpoints(StatusEquals="Creating")["Endpoints"]] == ["e"]
    assert sagemaker.list_endpoints(StatusEquals="InService")["Endpoints"] == []
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="c")


def test_an_unknown_key_may_not_invoke(live: Any, sagemaker: Any):
    with pytest.raises(ClientError) as caught:
        live.client("sagemaker-runtime", aws_access_key_id="NJOBNOBODY").invoke_endpoint(EndpointName="e", Body=b"")
    assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"
