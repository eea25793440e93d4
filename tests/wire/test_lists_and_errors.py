"""Orders and filters of lists as AWS's documentation has them, and the words of errors that clients look for, by boto3."""

import datetime as dt
import re
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/naiad"
CONTAINER = {"Image": "a", "ModelDataUrl": "s3://data/m.tar.gz"}
SPECIFICATION = {
    "Containers": [CONTAINER],
    "SupportedContentTypes": ["application/json"],
    "SupportedResponseMIMETypes": ["application/json"],
}
VARIANT = {"VariantName": "v", "ModelName": "m0", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
TRAINING = {
    "RoleArn": ROLE,
    "AlgorithmSpecification": {"TrainingImage": "naiad/trainer", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://data/out/"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "HyperParameters": {"lr": "0.5", "net": "cnn"},
}
PROCESSING = {
    "RoleArn": ROLE,
    "AppSpecification": {"ImageUri": "i", "ContainerEntrypoint": ["true"]},
    "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}},
}
TRANSFORM = {
    "ModelName": "m0",
    "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/"}}},
    "TransformOutput": {"S3OutputPath": "s3://data/out/"},
    "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
}


@pytest.fixture
def sagemaker(live: Any) -> Any:
    """Three of each kind, made one after the other."""
    live.client("s3").put_object(Bucket="data", Key="in/a.csv", Body=b"1\n")
    live.client("s3").put_object(Bucket="data", Key="m.tar.gz", Body=b"")
    client = live.client("sagemaker")
    for number in range(3):
        client.create_model(ModelName=f"m{number}", PrimaryContainer=CONTAINER, ExecutionRoleArn=ROLE)
        client.create_endpoint_config(EndpointConfigName=f"c{number}", ProductionVariants=[VARIANT])
        client.create_model_package_group(ModelPackageGroupName=f"g{number}")
        client.create_model_package(ModelPackageName=f"p{number}", InferenceSpecification=SPECIFICATION)
        client.create_training_job(TrainingJobName=f"t{number}", **TRAINING)
        client.create_processing_job(ProcessingJobName=f"x{number}", **PROCESSING)
        client.create_transform_job(TransformJobName=f"b{number}", **TRANSFORM)
    return client


def listed(client: Any, operation: str, **request: Any) -> list[dict[str, Any]]:
    answer = getattr(client, operation)(**request)
    return next(value for value in answer.values() if isinstance(value, list))


def names(items: list[dict[str, Any]]) -> list[str]:
    return [str(next(value for key, value in item.items() if key.endswith("Name"))) for item in items]


OLDEST_FIRST = {
    "list_training_jobs": True,
    "list_processing_jobs": True,
    "list_transform_jobs": False,
    "list_models": False,
    "list_endpoint_configs": False,
    "list_model_packages": True,
    "list_model_package_groups": True,
}


def test_the_order_without_sort_by(sagemaker: Any):
    for operation, oldest_first in OLDEST_FIRST.items():
        times = [item["CreationTime"] for item in listed(sagemaker, operation)]
        assert len(times) == 3
        assert all(first <= second if oldest_first else first >= second for first, second in pairwise(times))
        assert times[0] != times[-1]
        (first,) = listed(sagemaker, operation, MaxResults=1)
        assert first["CreationTime"] == times[0]
        reverse = "Descending" if oldest_first else "Ascending"
        assert [one["CreationTime"] for one in listed(sagemaker, operation, SortOrder=reverse)] == times[::-1]


def test_packages_by_type_and_group(sagemaker: Any):
    for _ in range(2):
        sagemaker.create_model_package(ModelPackageGroupName="g0", InferenceSpecification=SPECIFICATION)

    def packages(**request: Any) -> list[str]:
        items = listed(sagemaker, "list_model_packages", **request)
        return [item["ModelPackageArn"].partition("/")[2] for item in items]

    assert packages() == packages(ModelPackageType="Unversioned") == ["p0", "p1", "p2"]
    assert packages(ModelPackageType="Versioned") == ["g0/1", "g0/2"]
    assert packages(ModelPackageType="Both") == ["p0", "p1", "p2", "g0/1", "g0/2"]
    assert packages(ModelPackageGroupName="g0") == ["g0/1", "g0/2"]
    assert packages(ModelPackageGroupName="g0", ModelPackageType="Unversioned") == []
    assert packages(ModelPackageGroupName="g1") == []
    assert packages(ModelApprovalStatus="PendingManualApproval", ModelPackageType="Both") == ["g0/1", "g0/2"]
    assert listed(sagemaker, "list_model_package_groups", CrossAccountFilterOption="CrossAccount") == []


def test_filters_by_time_name_and_status(sagemaker: Any):
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    for operation in ("list_training_jobs", "list_processing_jobs", "list_transform_jobs"):
        assert listed(sagemaker, operation, CreationTimeAfter=tomorrow) == []
        assert len(listed(sagemaker, operation, LastModifiedTimeBefore=tomorrow)) == 3
        assert len(listed(sagemaker, operation, NameContains="1")) == 1
        assert listed(sagemaker, operation, StatusEquals="Completed") == []
    assert listed(sagemaker, "list_training_jobs", StatusEquals="Deleting") == []
    for operation in ("list_models", "list_endpoint_configs", "list_model_packages", "list_model_package_groups"):
        assert listed(sagemaker, operation, CreationTimeAfter=tomorrow) == []
        assert len(listed(sagemaker, operation, CreationTimeBefore=tomorrow, NameContains="1")) == 1


def test_the_words_of_errors_that_clients_look_for(live: Any, sagemaker: Any):
    """Compares what the SageMaker SDK, Airflow's provider and Terraform's look for in messages and codes."""
    version = {"ModelPackageGroupName": "none", "InferenceSpecification": SPECIFICATION}
    for call, code, message in (
        (lambda: sagemaker.create_training_job(TrainingJobName="t0", **TRAINING), "ResourceInUse", "already exists"),
        (lambda: sagemaker.create_processing_job(ProcessingJobName="x0", **PROCESSING), "ResourceInUse", "already ex"),
        (
            lambda: sagemaker.create_model_package_group(ModelPackageGroupName="g0"),
            "ValidationException",
            "^Model Package Group already exists: arn:",
        ),
        (
            lambda: sagemaker.create_model(ModelName="m0", PrimaryContainer=CONTAINER, ExecutionRoleArn=ROLE),
            "ValidationException",
            "Cannot create already existing model",
        ),
        (lambda: sagemaker.describe_training_job(TrainingJobName="n"), "ValidationException", "Requested resource not"),
        (
            lambda: sagemaker.stop_processing_job(ProcessingJobName="n"),
            "ValidationException",
            "Could not find requested job with name",
        ),
        (lambda: sagemaker.describe_endpoint(EndpointName="n"), "ValidationException", "Could not find endpoint"),
        (lambda: sagemaker.delete_model(ModelName="n"), "ValidationException", "Could not find model"),
        (lambda: sagemaker.create_model_package(**version), "ValidationException", "does not exist"),
        (lambda: sagemaker.describe_experiment(ExperimentName="n"), "ResourceNotFound", "does not exist"),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        error = caught.value.response["Error"]
        assert error["Code"] == code
        assert re.search(message, error["Message"]), error
    with pytest.raises(ClientError) as caught:
        live.client("cloudwatch").get_metric_statistics(
            Namespace="n", MetricName="m", StartTime=0, EndTime=60, Period=7, Statistics=["Average"]
        )
    error = caught.value.response["Error"]
    assert (error["Code"], error["Type"]) == ("InvalidParameterValue", "Sender")


def test_times_of_objects_are_the_same_in_lists_and_heads(live: Any):
    s3 = live.client("s3")
    s3.put_object(Bucket="data", Key="a", Body=b"1")
    (one,) = s3.list_objects_v2(Bucket="data")["Contents"]
    assert one["LastModified"] == s3.head_object(Bucket="data", Key="a")["LastModified"]
    assert one["LastModified"].microsecond == 0
    assert s3.list_buckets()["Buckets"][0]["CreationDate"].microsecond == 0


class TestSearch:
    @pytest.fixture
    def found(self, sagemaker: Any) -> Any:
        def search(resource: str, *filters: tuple[str, ...], **request: Any) -> list[str]:
            expression = {"Filters": [dict(zip(("Name", "Operator", "Value"), one, strict=False)) for one in filters]}
            if filters:
                request = {"SearchExpression": expression, **request}
            results = sagemaker.search(Resource=resource, **request)["Results"]
            records = [next(iter(one.values())) for one in results]
            return names([one.get("Model", one) for one in records])

        return search

    def test_every_kind_that_is_served(self, found: Any, sagemaker: Any):
        sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c0")
        sagemaker.add_tags(
            ResourceArn=sagemaker.describe_model(ModelName="m1")["ModelArn"], Tags=[{"Key": "team", "Value": "a"}]
        )
        assert found("Endpoint", ("EndpointStatus", "In", "Creating, InService")) == ["e"]
        assert found("Endpoint", ("EndpointConfigName", "Equals", "c1")) == []
        assert found("Model", ("Tags.team", "Equals", "a")) == ["m1"]
        assert found("Model", ("ModelName", "Contains", "m"), SortBy="ModelName") == ["m2", "m1", "m0"]
        assert found("Model", ("PrimaryContainer.ModelDataUrl", "Contains", "m.tar")) != []
        assert found("ModelPackage", ("ModelApprovalStatus", "Equals", "Approved"), SortOrder="Ascending") == [
            "p0",
            "p1",
            "p2",
        ]
        assert found("ModelPackageGroup", ("ModelPackageGroupName", "In", "g0,g2"), SortBy="CreationTime") == [
            "g2",
            "g0",
        ]

    def test_properties_of_training_jobs(self, found: Any, sagemaker: Any):
        more = {**TRAINING, "HyperParameters": {"lr": "0.05"}, "ExperimentConfig": {}}
        channel = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/"}}}
        inputs = [{"ChannelName": "train", **channel}, {"ChannelName": "test", **channel}]
        sagemaker.create_training_job(TrainingJobName="own", **{**more, "InputDataConfig": inputs})
        assert found("TrainingJob", ("HyperParameters.lr", "LessThan", "0.1")) == ["own"]
        assert found("TrainingJob", ("hyperparameters.net", "NotExists")) == ["own"]
        assert found("TrainingJob", ("InputDataConfig.ChannelName", "Equals", "test")) == ["own"]
        assert found("TrainingJob", ("ResourceConfig.InstanceCount", "GreaterThan", "1")) == []
        assert found("TrainingJob", SortBy="HyperParameters.lr", SortOrder="Ascending")[0] == "own"
        nested = {
            "NestedPropertyName": "InputDataConfig",
            "Filters": [
                {"Name": "InputDataConfig.ChannelName", "Operator": "Equals", "Value": "train"},
                {"Name": "InputDataConfig.DataSource.S3DataSource.S3Uri", "Operator": "Contains", "Value": "data/in"},
            ],
        }
        assert found("TrainingJob", SearchExpression={"NestedFilters": [nested]}) == ["own"]
        nested["Filters"][0]["Value"] = "validation"
        assert found("TrainingJob", SearchExpression={"NestedFilters": [nested]}) == []

    def test_experiments(self, found: Any, sagemaker: Any, live: Any):
        sagemaker.create_experiment(ExperimentName="shoes", Description="summer")
        sagemaker.create_trial(ExperimentName="shoes", TrialName="group")
        for name, lr in (("a", 0.5), ("b", 0.1), ("c", 0.3)):
            sagemaker.create_trial_component(TrialComponentName=name, Parameters={"lr": {"NumberValue": lr}})
            sagemaker.associate_trial_component(TrialComponentName=name, TrialName="group")
            data = [{"MetricName": "test:loss", "Timestamp": dt.datetime.now(dt.UTC), "Value": 1 - lr}]
            live.client("sagemaker-metrics").batch_put_metrics(TrialComponentName=name, MetricData=data)
        sagemaker.create_trial_component(TrialComponentName="alone")
        kind = "ExperimentTrialComponent"
        in_shoes = ("Parents.ExperimentName", "Equals", "shoes")
        assert found("Experiment", ("Description", "Contains", "summ")) == ["shoes"]
        assert found("ExperimentTrial", ("ExperimentName", "Equals", "shoes")) == ["group"]
        assert found(kind, in_shoes, SortBy="parameters.lr", SortOrder="Ascending") == ["b", "c", "a"]
        assert found(kind, in_shoes, SortBy="metrics.test:loss.max") == ["b", "c", "a"]
        assert found(kind, in_shoes, ("Metrics.test:loss.min", "LessThan", "0.6")) == ["a"]
        assert found(kind, ("Parents.TrialName", "NotExists")) == ["alone"]
        assert found(kind, SortBy="parameters.lr", MaxResults=2) == ["a", "c"]
        with pytest.raises(ClientError, match="Unknown property name: ExperimentName"):
            found(kind, ("ExperimentName", "Equals", "shoes"))
