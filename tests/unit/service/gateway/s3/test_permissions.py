"""Permissions of a job's program."""

import datetime as dt
from dataclasses import replace

import pytest

from naiad.service.domain.job import Job, JobKind, ResourceRequest
from naiad.service.domain.scope import Creator, parse_limit
from naiad.service.gateway.s3.permissions import Access, is_allowed, is_within, split_uri

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def make_job(name, request, kind=JobKind.TRAINING):
    return Job(kind, name, "eu-central-1", request, ResourceRequest(1, 1, 1), NOW, NOW)


TRAINING = make_job(
    "job-1",
    {
        "HyperParameters": {"sagemaker_submit_directory": '"s3://code/job-1/source/sourcedir.tar.gz"'},
        "InputDataConfig": [
            {"DataSource": {"S3DataSource": {"S3Uri": "s3://data/fashion/"}}},
            {"DataSource": {"S3DataSource": {"S3Uri": "s3://data/part-"}}},
            {"DataSource": {"S3DataSource": {"S3Uri": "s3://data/model.tar.gz"}}},
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://results/mine"},
        "CheckpointConfig": {"S3Uri": "s3://ckpt/job-1"},
    },
)


@pytest.mark.parametrize(
    ("access", "bucket", "name", "expected"),
    [
        (Access.READ, "data", "fashion/train.csv", True),
        (Access.READ, "data", "fashion", True),
        (Access.READ, "data", "fashion2/train.csv", False),
        (Access.READ, "data", "part-7", True),
        (Access.READ, "data", "other", False),
        (Access.READ, "data", "model.tar.gz", True),
        (Access.WRITE, "data", "fashion/train.csv", False),
        (Access.LIST, "data", "fashion/", True),
        (Access.LIST, "data", "", False),
        (Access.READ, "code", "job-1/source/sourcedir.tar.gz", True),
        (Access.READ, "code", "job-1/other", False),
        (Access.WRITE, "results", "mine/job-1/output/model.tar.gz", True),
        (Access.READ, "results", "mine/job-1/output/model.tar.gz", True),
        (Access.WRITE, "results", "mine/job-12/output/model.tar.gz", False),
        (Access.WRITE, "results", "mine/other", False),
        (Access.WRITE, "results", "job-1/results/payload.pkl", True),
        (Access.WRITE, "ckpt", "job-1/epoch-3", True),
        (Access.WRITE, "ckpt", "job-10/epoch-3", False),
        (Access.VIEW_BUCKET, "data", "", True),
        (Access.VIEW_BUCKET, "secret", "", False),
        (Access.MANAGE_BUCKETS, "data", "", False),
        (Access.MANAGE_BUCKETS, "", "", False),
    ],
)
def test_a_training_job(access, bucket, name, expected):
    assert is_allowed(TRAINING, access, bucket, name) is expected


def test_a_result_path_that_ends_with_the_jobs_name_is_its_own():
    job = make_job("fn-1", {"OutputDataConfig": {"S3OutputPath": "s3://bucket/root/fn-1/"}})
    assert is_allowed(job, Access.READ, "bucket", "root/fn-1/function/payload.pkl")
    assert is_allowed(job, Access.WRITE, "bucket", "root/fn-1/results/payload.pkl")
    assert not is_allowed(job, Access.READ, "bucket", "root/fn-2/results/payload.pkl")


def test_a_processing_job():
    request = {
        "ProcessingInputs": [
            {"InputName": "a", "S3Input": {"S3Uri": "s3://in/raw"}},
            {"InputName": "b", "AppManaged": True},
        ],
        "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": "s3://out/clean"}}]},
    }
    job = make_job("p", request, JobKind.PROCESSING)
    assert is_allowed(job, Access.READ, "in", "raw/x")
    assert not is_allowed(job, Access.WRITE, "in", "raw/x")
    assert is_allowed(job, Access.WRITE, "out", "clean/x")
    assert not is_allowed(job, Access.WRITE, "out", "clean2/x")


def test_a_job_that_names_nothing_reaches_nothing():
    assert not any(is_allowed(make_job("n", {}), access, "data", "k") for access in Access)


def test_uris():
    assert split_uri("s3://b/k/x") == ("b", "k/x")
    assert split_uri("s3://b") == ("b", "")
    assert split_uri("https://bucket.s3.amazonaws.com/k%20x") == ("bucket", "k x")
    assert split_uri("https://b/k") == ("", "")


def test_permissions_are_checked_for_every_call(call, blobs):
    blobs.create_bucket("results")
    blobs.put("data", "fashion/1", [b"x"])
    blobs.put("data", "secret", [b"x"])
    assert call("GET", "/data/fashion/1", job=TRAINING).status == 200
    for method, path, headers in [
        ("GET", "/data/secret", {}),
        ("HEAD", "/data/secret", {}),
        ("PUT", "/data/fashion/1", {}),
        ("DELETE", "/data/fashion/1", {}),
        ("GET", "/data", {}),
        ("GET", "/data?list-type=2", {}),
        ("GET", "/data?uploads", {}),
        ("GET", "/", {}),
        ("PUT", "/data", {}),
        ("PUT", "/results/mine/job-1/k", {"x-amz-copy-source": "data/secret"}),
        ("POST", "/data/fashion/1?uploads", {}),
    ]:
        assert call(method, path, headers=headers, job=TRAINING).status == 403, (method, path)
    assert call("GET", "/data/fashion/../secret", job=TRAINING).status == 404  # ".." is a name like others
    body = b"<Delete><Object><Key>job-1/a</Key></Object><Object><Key>mine/b</Key></Object></Delete>"
    text = call("POST", "/results?delete", body=body, job=TRAINING).text
    assert "<Deleted><Key>job-1/a</Key></Deleted><Error><Key>mine/b</Key><Code>AccessDenied</Code>" in text
    copied = call("PUT", "/results/mine/job-1/k", headers={"x-amz-copy-source": "data/fashion/1"}, job=TRAINING)
    assert copied.status == 200


def test_a_job_reaches_nothing_beyond_the_limits_of_its_creator():
    request = {
        "InputDataConfig": [{"DataSource": {"S3DataSource": {"S3Uri": "s3://data/team/in/"}}}],
        "OutputDataConfig": {"S3OutputPath": "s3://data/team/out/"},
    }
    creator = Creator("AKIA", (parse_limit("s3://data/team"),))
    job = replace(make_job("secret", request), creator=creator)
    assert is_allowed(job, Access.READ, "data", "team/in/a")
    assert is_allowed(job, Access.WRITE, "data", "team/out/secret/a")
    assert is_allowed(job, Access.VIEW_BUCKET, "data", "")
    for access in (Access.READ, Access.WRITE, Access.LIST):
        assert is_allowed(make_job("secret", request), access, "data", "secret/a")
        assert not is_allowed(job, access, "data", "secret/a")


@pytest.mark.parametrize("access", list(Access))
def test_limits_hold_for_each_kind_of_access(access):
    limits = (parse_limit("s3://data/team"),)
    assert is_within((), access, "other", "x")
    assert is_within(limits, access, "data", "team/x") == (access is not Access.MANAGE_BUCKETS)
    assert is_within(limits, access, "other", "team/x") == (access is Access.LIST_BUCKETS)
