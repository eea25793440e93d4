"""Scopes of keys, as boto3 meets them: each kind of call by each kind of key."""

import urllib.error
import urllib.request
from typing import Any

import pytest
from low_trust_keys import ROLE, KeyHolder, holder_of, refusal, training_request

S3 = {"Bucket": "data", "Key": "team/a"}
CALLS: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "read": [
        ("sagemaker", "list_training_jobs", {}),
        ("sagemaker", "describe_training_job", {"TrainingJobName": "job"}),
        ("sagemaker", "search", {"Resource": "TrainingJob"}),
        ("sagemaker", "list_tags", {"ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/job"}),
        ("sagemaker", "list_endpoints", {}),
        ("logs", "describe_log_groups", {}),
        ("logs", "filter_log_events", {"logGroupName": "/aws/sagemaker/TrainingJobs"}),
        ("cloudwatch", "list_metrics", {}),
        ("s3", "list_buckets", {}),
        ("s3", "head_bucket", {"Bucket": "data"}),
        ("s3", "list_objects_v2", {"Bucket": "data"}),
        ("s3", "get_object", S3),
        ("s3", "head_object", S3),
        ("s3", "get_object_tagging", S3),
        ("s3", "get_bucket_tagging", {"Bucket": "tagged"}),
    ],
    "invoke": [
        ("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "none", "Body": b"x"}),
        ("sagemaker-runtime", "invoke_endpoint_async", {"EndpointName": "none", "InputLocation": "s3://data/team/a"}),
        ("sagemaker-runtime", "invoke_endpoint_with_response_stream", {"EndpointName": "none", "Body": b"x"}),
    ],
    "jobs": [
        ("sagemaker", "create_training_job", training_request("another")),
        ("sagemaker", "stop_training_job", {"TrainingJobName": "job"}),
        ("sagemaker", "create_experiment", {"ExperimentName": "e"}),
        (
            "sagemaker",
            "add_tags",
            {
                "ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/job",
                "Tags": [{"Key": "a", "Value": "b"}],
            },
        ),
        (
            "sagemaker",
            "create_model",
            {
                "ModelName": "m",
                "ExecutionRoleArn": ROLE,
                "PrimaryContainer": {"Image": "a", "ModelDataUrl": "s3://data/m"},
            },
        ),
        ("s3", "put_object", {**S3, "Body": b"x"}),
        ("s3", "put_object_tagging", {**S3, "Tagging": {"TagSet": []}}),
        ("s3", "create_multipart_upload", S3),
        ("s3", "delete_object", {"Bucket": "data", "Key": "gone"}),
        ("s3", "delete_objects", {"Bucket": "data", "Delete": {"Objects": [{"Key": "gone"}]}}),
    ],
    "admin": [
        ("sagemaker", "delete_endpoint", {"EndpointName": "none"}),
        ("sagemaker", "create_endpoint", {"EndpointName": "e", "EndpointConfigName": "none"}),
        ("sagemaker", "update_model_package", {"ModelPackageArn": "none", "ModelApprovalStatus": "Approved"}),
        ("s3", "create_bucket", {"Bucket": "more"}),
        ("s3", "delete_bucket", {"Bucket": "empty"}),
        ("s3", "put_bucket_tagging", {"Bucket": "data", "Tagging": {"TagSet": []}}),
    ],
}
DENIED = ("AccessDenied", "AccessDeniedException", "403")


@pytest.fixture
def served(live: Any) -> Any:
    """A gateway with a job, and objects in buckets."""
    for bucket in ("empty", "tagged"):
        live.services.blobs.create_bucket(bucket)
    for key in ("team/a", "m"):
        live.services.blobs.put("data", key, [b"x"])
    client = live.client("s3")
    client.put_bucket_tagging(Bucket="tagged", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    live.client("sagemaker").create_training_job(**training_request("job"))
    return live


def outcome(holder: KeyHolder, service: str, operation: str, request: dict[str, Any]) -> tuple[str, str]:
    """Returns the code and the message of an error; ("", "") without one."""
    client = holder.client(service)
    try:
        getattr(client, operation)(**request)
    except client.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    return "", ""


@pytest.mark.parametrize("own", list(CALLS))
def test_a_key_does_what_its_scope_is_for_and_nothing_else(served: Any, own: str) -> None:
    holder = holder_of(served, "ci", own)
    for scope, calls in CALLS.items():
        for service, operation, request in calls:
            code, message = outcome(holder, service, operation, request)
            is_allowed = own in (scope, "admin")
            assert (code in DENIED) != is_allowed, (scope, operation, code, message)
            if not is_allowed and not operation.startswith("head"):
                scopes = "read, invoke, jobs, admin" if own == "admin" else own
                assert f"needs the scope {scope}; the key ci has {scopes}" in message


@pytest.mark.parametrize("own", list(CALLS))
def test_each_key_may_ask_who_it_is_and_a_session_may_do_no_more(served: Any, own: str) -> None:
    holder = holder_of(served, "ci", own)
    assert holder.client("sts").get_caller_identity()["Arn"].endswith("/ci")
    given = holder.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="session")["Credentials"]
    session = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    client = served.client("s3", **session)
    if own == "admin":
        client.create_bucket(Bucket="more")
    else:
        assert refusal(client.create_bucket, Bucket="more")[:2] == ("AccessDenied", 403)


def test_refusals_have_the_codes_of_aws(served: Any) -> None:
    holder = holder_of(served, "ci", "invoke")
    assert refusal(holder.client("s3").get_object, **S3)[:2] == ("AccessDenied", 403)
    assert refusal(holder.client("sagemaker").list_models)[:2] == ("AccessDeniedException", 400)
    assert refusal(holder.client("logs").describe_log_groups)[:2] == ("AccessDeniedException", 400)
    runtime = holder_of(served, "reader", "read").client("sagemaker-runtime")
    assert refusal(runtime.invoke_endpoint, EndpointName="none", Body=b"")[:2] == ("AccessDeniedException", 403)


def test_a_key_of_two_scopes_does_both(served: Any) -> None:
    holder = holder_of(served, "ci", "read", "jobs")
    holder.client("s3").copy_object(Bucket="data", Key="team/b", CopySource="data/team/a")
    assert holder.client("s3").get_object(Bucket="data", Key="team/b")["Body"].read() == b"x"


def test_a_copy_needs_to_read_its_source(served: Any) -> None:
    """A key that may only write would else learn by copies what it may not read."""
    writer = holder_of(served, "writer", "jobs").client("s3")
    code, status, message = refusal(writer.copy_object, Bucket="data", Key="team/b", CopySource="data/team/a")
    assert (code, status) == ("AccessDenied", 403)
    assert "needs the scope read" in message


def test_a_presigned_url_may_do_what_its_key_may(served: Any) -> None:
    reader = holder_of(served, "reader", "read").client("s3")
    with urllib.request.urlopen(reader.generate_presigned_url("get_object", S3)) as answer:
        assert answer.read() == b"x"
    url = reader.generate_presigned_url("put_object", S3)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(url, data=b"y", method="PUT"))
    assert refused.value.code == 403
    refused.value.close()
