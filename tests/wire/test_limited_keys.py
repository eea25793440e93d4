"""Keys that are limited to a prefix, as boto3 meets them: neither S3 nor a job, a model or an endpoint leads beyond it."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from low_trust_keys import ROLE, KeyHolder, channel, holder_of, refusal, training_request

from naiad.service.domain.job import JobKind
from naiad.service.gateway.s3.permissions import Access, is_allowed

REACH = "the key ci reaches s3://data/team/ only"
SECRET = "s3://data/secret/a"


@pytest.fixture
def served(live: Any) -> Any:
    live.services.blobs.create_bucket("other")
    for key in ("team/a", "team/m.tar.gz", "team/code.tar.gz", "team2/a", "secret/a", "secret/m.tar.gz", "team"):
        live.services.blobs.put("data", key, [key.encode()])
    return live


@pytest.fixture
def holder(served: Any) -> KeyHolder:
    return holder_of(served, "ci", "read", "invoke", "jobs", on=("s3://data/team",))


def test_s3_reaches_what_is_below_the_prefix(holder: KeyHolder) -> None:
    s3 = holder.client("s3")
    assert s3.get_object(Bucket="data", Key="team/a")["Body"].read() == b"team/a"
    s3.put_object(Bucket="data", Key="team/b", Body=b"x")
    s3.copy_object(Bucket="data", Key="team/c", CopySource="data/team/a")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="data", Prefix="team/")["Contents"]]
    assert keys == ["team/a", "team/b", "team/c", "team/code.tar.gz", "team/m.tar.gz"]
    s3.delete_object(Bucket="data", Key="team/b")
    s3.head_bucket(Bucket="data")
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["data"]


@pytest.mark.parametrize("key", ["secret/a", "team2/a", "team", "Team/a"])
def test_s3_reaches_no_other_object(holder: KeyHolder, key: str) -> None:
    s3 = holder.client("s3")
    calls: list[tuple[Any, dict[str, Any]]] = [
        *((call, {"Key": key}) for call in (s3.get_object, s3.get_object_tagging, s3.delete_object)),
        (s3.get_object_attributes, {"Key": key, "ObjectAttributes": ["ETag"]}),
        (s3.put_object, {"Key": key, "Body": b"x"}),
        (s3.create_multipart_upload, {"Key": key}),
        (s3.copy_object, {"Key": "team/x", "CopySource": f"data/{key}"}),
        (s3.copy_object, {"Key": key, "CopySource": "data/team/a"}),
    ]
    for call, request in calls:
        code, status, message = refusal(call, Bucket="data", **request)
        assert (code, status, REACH in message) == ("AccessDenied", 403, True), (call, request, message)


@pytest.mark.parametrize("prefix", ["", "team", "team2/", "secret/"])
def test_s3_lists_nothing_else(holder: KeyHolder, prefix: str) -> None:
    s3 = holder.client("s3")
    for call in (s3.list_objects_v2, s3.list_objects, s3.list_multipart_uploads, s3.list_object_versions):
        assert REACH in refusal(call, Bucket="data", Prefix=prefix)[2]


def test_many_deletions_delete_what_is_reached(holder: KeyHolder, served: Any) -> None:
    wanted = {"Objects": [{"Key": "team/a"}, {"Key": "secret/a"}]}
    answer = holder.client("s3").delete_objects(Bucket="data", Delete=wanted)
    assert [one["Key"] for one in answer["Deleted"]] == ["team/a"]
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("secret/a", "AccessDenied")]
    assert served.services.blobs.head("data", "secret/a").size == 8


def test_other_buckets_are_not_there(holder: KeyHolder) -> None:
    s3 = holder.client("s3")
    assert refusal(s3.head_bucket, Bucket="other")[:2] == ("403", 403)
    assert refusal(s3.list_objects_v2, Bucket="other")[0] == "AccessDenied"
    assert refusal(s3.put_bucket_tagging, Bucket="data", Tagging={"TagSet": []})[0] == "AccessDenied"


def test_presigned_urls_and_forms_reach_no_more(holder: KeyHolder) -> None:
    s3 = holder.client("s3")
    with urllib.request.urlopen(s3.generate_presigned_url("get_object", {"Bucket": "data", "Key": "team/a"})) as answer:
        assert answer.read() == b"team/a"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(s3.generate_presigned_url("get_object", {"Bucket": "data", "Key": "secret/a"}))
    assert refused.value.code == 403
    refused.value.close()
    post = s3.generate_presigned_post("data", "secret/b")
    fields = {**post["fields"], "file": "x"}
    body = "".join(f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items())
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    request = urllib.request.Request(post["url"], data=f"{body}--b--\r\n".encode(), headers=headers)
    with pytest.raises(urllib.error.HTTPError) as form:
        urllib.request.urlopen(request)
    assert (form.value.code, REACH in form.value.read().decode()) == (403, True)
    form.value.close()


def test_a_job_within_the_prefix_is_made(holder: KeyHolder) -> None:
    request = training_request("mine", InputDataConfig=channel("s3://data/team/a"))
    holder.client("sagemaker").create_training_job(**request)


@pytest.mark.parametrize(
    "changed",
    [
        {"InputDataConfig": channel(SECRET)},
        {"InputDataConfig": channel("s3://data/team")},
        {"InputDataConfig": channel("https://data.s3.us-east-1.amazonaws.com/secret/a")},
        {"InputDataConfig": channel("s3://data/team/a", "ManifestFile")},
        {"OutputDataConfig": {"S3OutputPath": "s3://data/"}},
        {"OutputDataConfig": {"S3OutputPath": "s3://data/team2/"}},
        {"CheckpointConfig": {"S3Uri": "s3://data/secret/"}},
        {
            "AlgorithmSpecification": {"TrainingImage": "any", "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": "a.py",
                "sagemaker_submit_directory": json.dumps("s3://data/secret/m.tar.gz"),
            },
        },
    ],
    ids=str,
)
def test_a_job_that_would_read_or_write_elsewhere_is_refused(holder: KeyHolder, changed: dict[str, Any]) -> None:
    request = training_request("mine", **changed)
    code, _, message = refusal(holder.client("sagemaker").create_training_job, **request)
    assert code == "AccessDeniedException", message
    assert REACH in message


def test_processing_and_transform_jobs_are_limited_too(holder: KeyHolder, served: Any) -> None:
    sagemaker = holder.client("sagemaker")
    local = "/opt/ml/processing/x"
    processing = {
        "ProcessingJobName": "p",
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": "python", "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
    }
    read = {"S3Uri": SECRET, "LocalPath": local, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    write = {"S3Uri": "s3://data/secret/", "LocalPath": local, "S3UploadMode": "EndOfJob"}
    for changed in (
        {"ProcessingInputs": [{"InputName": "a", "S3Input": read}]},
        {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "a", "S3Output": write}]}},
    ):
        assert REACH in refusal(sagemaker.create_processing_job, **processing, **changed)[2]
    container = {"Image": "a", "ModelDataUrl": "s3://data/secret/m.tar.gz"}
    served.client("sagemaker").create_model(ModelName="theirs", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    assert REACH in refusal(sagemaker.create_transform_job, **transform_request("theirs"))[2]
    own = {"Image": "a", "ModelDataUrl": "s3://data/team/m.tar.gz"}
    sagemaker.create_model(ModelName="mine", ExecutionRoleArn=ROLE, PrimaryContainer=own)
    sagemaker.create_transform_job(**transform_request("mine"))


def transform_request(model: str) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/team/a"}}
    return {
        "TransformJobName": f"transform-{model}",
        "ModelName": model,
        "TransformInput": {"DataSource": source},
        "TransformOutput": {"S3OutputPath": "s3://data/team/out"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }


def test_a_model_of_other_objects_is_refused_also_by_its_package(holder: KeyHolder, served: Any) -> None:
    sagemaker = holder.client("sagemaker")
    theirs = {"Image": "a", "ModelDataUrl": "s3://data/secret/m.tar.gz"}
    code = {"SAGEMAKER_SUBMIT_DIRECTORY": "s3://data/secret/m.tar.gz"}
    for container in (theirs, {"Image": "a", "ModelDataUrl": "s3://data/team/m.tar.gz", "Environment": code}):
        request = {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": container}
        assert REACH in refusal(sagemaker.create_model, **request)[2]
    specification = {
        "Containers": [theirs],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    packed = {"ModelPackageName": "p", "InferenceSpecification": specification}
    assert REACH in refusal(sagemaker.create_model_package, **packed)[2]
    package = served.client("sagemaker").create_model_package(**packed)["ModelPackageArn"]
    request = {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"ModelPackageName": package}}
    assert REACH in refusal(sagemaker.create_model, **request)[2]


def test_asynchronous_input_is_limited(holder: KeyHolder) -> None:
    runtime = holder.client("sagemaker-runtime")
    code, _, message = refusal(runtime.invoke_endpoint_async, EndpointName="none", InputLocation=SECRET)
    assert (code, REACH in message) == ("AccessDeniedException", True)
    code, _, _ = refusal(runtime.invoke_endpoint_async, EndpointName="none", InputLocation="s3://data/team/a")
    assert code != "AccessDeniedException"


def test_the_program_of_a_job_reaches_no_more_than_its_creator(holder: KeyHolder, served: Any) -> None:
    """A job's key reaches a folder of the job's name in the bucket of its outputs; here that name is another's folder."""
    holder.client("sagemaker").create_training_job(**training_request("secret"))
    job = served.services.jobs.describe(JobKind.TRAINING, "secret")
    program = KeyHolder(served, job).client("s3")
    for call in (program.get_object, program.delete_object):
        assert refusal(call, Bucket="data", Key="secret/a")[0] == "AccessDenied"
    program.put_object(Bucket="data", Key="team/out/secret/x", Body=b"x")
    served.client("sagemaker").create_training_job(**training_request("team2"))
    unlimited = served.services.jobs.describe(JobKind.TRAINING, "team2")
    assert is_allowed(unlimited, Access.READ, "data", "team2/a")
