"""Limits on objects, in the requests of keys."""

import json

import pytest

from naiad.service.domain.errors import AccessDenied
from naiad.service.domain.scope import parse_limit
from naiad.service.gateway.object_limits import check_request, check_uri
from naiad.service.gateway.signing.authenticator import Principal

LIMITED = Principal("AKIA", "ci", limits=(parse_limit("s3://data/team"), parse_limit("s3://more")))


def channel(uri, kind="S3Prefix"):
    return {"InputDataConfig": [{"DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": uri}}}]}


@pytest.mark.parametrize(
    "request_",
    [
        channel("s3://data/team/x"),
        channel("s3://more/anything"),
        channel("https://data.s3.us-east-1.amazonaws.com/team/x"),
        {"OutputDataConfig": {"S3OutputPath": "s3://data/team"}},
        {"HyperParameters": {"sagemaker_submit_directory": json.dumps("s3://data/team/code.tar.gz"), "lr": "0.1"}},
        {"HyperParameters": {"text": '"', "note": "see s3://data/secret for more"}},
    ],
)
def test_what_a_limited_key_may_name(request_):
    check_request(LIMITED, request_)


@pytest.mark.parametrize(
    "request_",
    [
        channel("s3://data/secret"),
        channel("s3://data/team"),  # as a prefix of keys it begins team2/x, too
        channel("s3://data/"),
        channel("s3://other/team/x"),
        channel("https://data.s3.us-east-1.amazonaws.com/secret"),
        channel("https://s3.us-east-1.amazonaws.com/data/secret"),
        channel("s3://data/team/list.json", "ManifestFile"),
        {"OutputDataConfig": {"S3OutputPath": "s3://data"}},
        {"HyperParameters": {"sagemaker_submit_directory": json.dumps("s3://data/secret.tar.gz")}},
        {"HyperParameters": {"sagemaker_submit_directory": f"  {json.dumps('s3://data/secret.tar.gz')}"}},
        {"Environment": {"SAGEMAKER_SUBMIT_DIRECTORY": "s3://data/secret.tar.gz"}},
        {"PrimaryContainer": {"ModelDataSource": {"S3DataSource": {"S3Uri": "s3://data/secret/"}}}},
    ],
)
def test_what_it_may_not_name(request_):
    with pytest.raises(AccessDenied, match="ci reaches s3://data/team/, s3://more/ only"):
        check_request(LIMITED, request_)


def test_a_key_without_limits_may_name_everything():
    principal = Principal("AKIA", "default")
    check_request(principal, channel("s3://any/thing", "ManifestFile"))
    check_uri(principal, "no address")


def test_one_address():
    check_uri(LIMITED, "s3://data/team/in.json")
    check_uri(LIMITED, "")
    with pytest.raises(AccessDenied):
        check_uri(LIMITED, "s3://data/secret")
