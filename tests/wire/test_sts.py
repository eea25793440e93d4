"""Temporary credentials with unmodified clients: boto3, and the AWS CLI with a profile that assumes a role."""

import datetime as dt
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/service-role/naiad"


def with_session(live, service, credentials):
    return live.client(
        service,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


@pytest.fixture
def sts(live):
    return live.client("sts")


@pytest.fixture(params=["AssumeRole", "GetSessionToken"])
def credentials(request, sts):
    if request.param == "GetSessionToken":
        return sts.get_session_token(DurationSeconds=900)["Credentials"]
    return sts.assume_role(RoleArn=ROLE, RoleSessionName="me", DurationSeconds=900)["Credentials"]


def test_a_session_does_what_its_key_does(live, credentials):
    lifetime = credentials["Expiration"] - dt.datetime.now(dt.UTC)
    assert dt.timedelta(minutes=14) < lifetime <= dt.timedelta(minutes=15)
    s3 = with_session(live, "s3", credentials)
    s3.put_object(Bucket="data", Key="k", Body=b"x")
    assert s3.get_object(Bucket="data", Key="k")["Body"].read() == b"x"
    with_session(live, "sagemaker", credentials).list_training_jobs()
    with_session(live, "logs", credentials).describe_log_groups()
    assert with_session(live, "sts", credentials).get_caller_identity()["Account"] == "000000000000"


def test_who_the_caller_is(live, sts):
    assumed = sts.assume_role(RoleArn=ROLE, RoleSessionName="me@here", SourceIdentity="alice")
    assert assumed["SourceIdentity"] == "alice"
    arn = "arn:aws:sts::000000000000:assumed-role/naiad/me@here"
    assert assumed["AssumedRoleUser"]["Arn"] == arn
    identity = with_session(live, "sts", assumed["Credentials"]).get_caller_identity()
    assert (identity["Arn"], identity["UserId"]) == (arn, assumed["AssumedRoleUser"]["AssumedRoleId"])
    own = sts.get_session_token()["Credentials"]
    assert with_session(live, "sts", own).get_caller_identity() | {"ResponseMetadata": 0} == (
        sts.get_caller_identity() | {"ResponseMetadata": 0}
    )


def test_a_session_makes_sessions_that_do_not_outlive_it(live, sts):
    first = sts.get_session_token(DurationSeconds=900)["Credentials"]
    second = with_session(live, "sts", first).assume_role(RoleArn=ROLE, RoleSessionName="me", DurationSeconds=43200)
    assert second["Credentials"]["Expiration"] == first["Expiration"]
    assert with_session(live, "s3", second["Credentials"]).list_buckets()["Buckets"]


def test_a_session_ends_with_its_key(live, credentials):
    s3 = with_session(live, "s3", credentials)
    s3.list_buckets()
    live.keys.add("other")
    live.keys.revoke("default")
    with pytest.raises(ClientError) as caught:
        s3.list_buckets()
    assert caught.value.response["Error"]["Code"] == "InvalidAccessKeyId"


def test_another_token_or_none(live, credentials):
    for token in (credentials["SessionToken"][:-8] + "AAAAAAA=", None):
        with pytest.raises(ClientError) as caught:
            with_session(live, "s3", {**credentials, "SessionToken": token}).list_buckets()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize(
    "arguments",
    [
        {"Policy": "{}"},
        {"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]},
        {"SerialNumber": "arn:aws:iam::000000000000:mfa/me", "TokenCode": "123456"},
        {"RoleArn": "arn:aws:iam::000000000000:user/me"},
    ],
)
def test_what_would_not_be_honoured_is_refused(sts, arguments):
    with pytest.raises(ClientError) as caught:
        sts.assume_role(**{"RoleArn": ROLE, "RoleSessionName": "me", **arguments})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_presigned_url_of_a_session(live, credentials):
    live.services.blobs.put("data", "k", [b"x"])
    url = with_session(live, "s3", credentials).generate_presigned_url(
        "get_object", Params={"Bucket": "data", "Key": "k"}
    )
    with urllib.request.urlopen(url) as response:
        assert response.read() == b"x"


def test_a_profile_of_the_cli_that_assumes_a_role(live, tmp_path):
    (tmp_path / "config").write_text(f"[profile x]\nrole_arn={ROLE}\nsource_profile=base\nregion=us-east-1\n")
    (tmp_path / "credentials").write_text(
        f"[base]\naws_access_key_id={live.key.access_key}\naws_secret_access_key={live.key.secret_key}\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_ENDPOINT_URL": live.url,
    }
    command = [Path(sys.executable).with_name("aws"), "--profile", "x", "s3", "ls"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(" data\n")
