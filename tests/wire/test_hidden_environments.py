"""Environments of jobs and models, whose values only their creator, and keys for admin, see."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from low_trust_keys import ROLE, KeyHolder, holder_of, refusal, training_request

from naiad.service.domain.job import JobKind

SECRET = {"TOKEN": "classified", "LEVEL": "debug"}
HIDDEN = {"TOKEN": "(hidden)", "LEVEL": "(hidden)"}
SPECIFICATION = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
CONTAINER = {"Image": "a", "ModelDataUrl": "s3://data/m.tar.gz", "Environment": SECRET}


@pytest.fixture
def creator(live: Any) -> KeyHolder:
    live.services.blobs.put("data", "m.tar.gz", [b"x"])
    live.services.blobs.put("data", "rows", [b"x"])
    return holder_of(live, "creator", "read", "jobs")


@pytest.fixture
def other(live: Any) -> KeyHolder:
    return holder_of(live, "other", "read", "jobs")


def processing_request(name: str) -> dict[str, Any]:
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
    return {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": "python", "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {"ClusterConfig": cluster},
    }


def transform_request(name: str, **changed: Any) -> dict[str, Any]:
    return {
        "TransformJobName": name,
        "ModelName": "m",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/rows"}}},
        "TransformOutput": {"S3OutputPath": "s3://data/out"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **changed,
    }


def make_all(sagemaker: Any) -> None:
    """Makes a job of each kind, a model and a package, each with the secret."""
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=CONTAINER)
    sagemaker.create_training_job(**training_request("t", Environment=SECRET))
    sagemaker.create_processing_job(**processing_request("p"), Environment=SECRET)
    sagemaker.create_transform_job(**transform_request("b", Environment=SECRET))
    sagemaker.create_model_package(
        ModelPackageName="k", InferenceSpecification={"Containers": [CONTAINER], **SPECIFICATION}
    )


def package_environment(description: dict[str, Any]) -> Any:
    return description["InferenceSpecification"]["Containers"][0]["Environment"]


DESCRIPTIONS: dict[str, Callable[[Any], Any]] = {
    "training": lambda client: client.describe_training_job(TrainingJobName="t")["Environment"],
    "processing": lambda client: client.describe_processing_job(ProcessingJobName="p")["Environment"],
    "transform": lambda client: client.describe_transform_job(TransformJobName="b")["Environment"],
    "model": lambda client: client.describe_model(ModelName="m")["PrimaryContainer"]["Environment"],
    "package": lambda client: package_environment(client.describe_model_package(ModelPackageName="k")),
    "found job": lambda client: found(client, "TrainingJob")["TrainingJob"]["Environment"],
    "found model": lambda client: found(client, "Model")["Model"]["Model"]["PrimaryContainer"]["Environment"],
    "found package": lambda client: package_environment(found(client, "ModelPackage")["ModelPackage"]),
}


def found(client: Any, resource: str) -> Any:
    [result] = client.search(Resource=resource)["Results"]
    return result


def test_only_the_creator_and_admins_see_the_values(live: Any, creator: KeyHolder, other: KeyHolder) -> None:
    make_all(creator.client("sagemaker"))
    for name, environment in DESCRIPTIONS.items():
        assert environment(creator.client("sagemaker")) == SECRET, name
        assert environment(live.client("sagemaker")) == SECRET, name
        assert environment(other.client("sagemaker")) == HIDDEN, name


def test_no_answer_to_another_key_holds_the_secret(creator: KeyHolder, other: KeyHolder) -> None:
    make_all(creator.client("sagemaker"))
    client, answers = other.client("sagemaker"), []
    client.meta.events.register("after-call", lambda http_response, **_: answers.append(http_response.content))
    for environment in DESCRIPTIONS.values():
        environment(client)
    client.list_training_jobs()
    client.list_models()
    assert answers
    assert not [answer for answer in answers if b"classified" in answer]


def test_a_session_of_the_creator_sees_them_too(live: Any, creator: KeyHolder) -> None:
    make_all(creator.client("sagemaker"))
    given = creator.client("sts").get_session_token()["Credentials"]
    client = live.client(
        "sagemaker",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    assert DESCRIPTIONS["training"](client) == SECRET


def test_the_program_of_a_job_sees_its_own(live: Any, creator: KeyHolder) -> None:
    make_all(creator.client("sagemaker"))
    job = live.services.jobs.describe(JobKind.TRAINING, "t")
    assert DESCRIPTIONS["training"](KeyHolder(live, job).client("sagemaker")) == SECRET


def test_filters_do_not_tell_the_values_either(creator: KeyHolder, other: KeyHolder) -> None:
    """A search that found jobs by what another key may not see would tell it letter by letter."""
    make_all(creator.client("sagemaker"))
    for filtered in (
        {"Name": "Environment.TOKEN", "Operator": "Contains", "Value": "classi"},
        {"Name": "Environment.TOKEN", "Operator": "Equals", "Value": "classified"},
    ):
        request = {"Resource": "TrainingJob", "SearchExpression": {"Filters": [filtered]}}
        assert len(creator.client("sagemaker").search(**request)["Results"]) == 1
        assert other.client("sagemaker").search(**request)["Results"] == []
    names = {"Filters": [{"Name": "Environment.TOKEN", "Operator": "Exists"}]}
    found = other.client("sagemaker").search(Resource="TrainingJob", SearchExpression=names)["Results"]
    assert found[0]["TrainingJob"]["Environment"] == HIDDEN


def test_jobs_of_earlier_versions_belong_to_admins(live: Any, creator: KeyHolder) -> None:
    creator.client("sagemaker").create_training_job(**training_request("t", Environment=SECRET))
    job = live.services.store.get(JobKind.TRAINING, "t")
    later = job.modified_at + dt.timedelta(seconds=1)
    live.services.store.update(replace(job, creator=None, modified_at=later), before=job)
    assert DESCRIPTIONS["training"](creator.client("sagemaker")) == HIDDEN
    assert DESCRIPTIONS["training"](live.client("sagemaker")) == SECRET


def test_a_package_belongs_to_the_one_who_has_changed_its_containers(live: Any, creator: KeyHolder) -> None:
    make_all(creator.client("sagemaker"))
    package = creator.client("sagemaker").describe_model_package(ModelPackageName="k")["ModelPackageArn"]
    specification = {"Containers": [CONTAINER], **SPECIFICATION}
    live.client("sagemaker").update_model_package(ModelPackageArn=package, InferenceSpecification=specification)
    assert DESCRIPTIONS["package"](creator.client("sagemaker")) == HIDDEN


def test_no_variables_are_added_to_those_of_another_key(live: Any, creator: KeyHolder, other: KeyHolder) -> None:
    """Code of the caller would run with the secrets of the model: by PYTHONPATH, for one."""
    make_all(creator.client("sagemaker"))
    client, own = other.client("sagemaker"), {"PYTHONPATH": "/opt/ml/transform/input"}
    code, _, message = refusal(client.create_transform_job, **transform_request("x", Environment=own))
    assert (code, "PYTHONPATH may not be added" in message) == ("AccessDeniedException", True)
    client.create_transform_job(**transform_request("x"))
    package = client.describe_model_package(ModelPackageName="k")["ModelPackageArn"]
    model = {"ModelName": "n", "ExecutionRoleArn": ROLE}
    mixed = {"ModelPackageName": package, "Environment": own}
    assert refusal(client.create_model, **model, PrimaryContainer=mixed)[0] == "AccessDeniedException"
    client.create_model(**model, PrimaryContainer={"ModelPackageName": package})
    request = transform_request("y", ModelName="n", Environment=own)
    assert refusal(client.create_transform_job, **request)[0] == "AccessDeniedException"
    live.client("sagemaker").create_transform_job(**request)
