import datetime as dt

import pytest

from naiad.service.domain.job import Job, JobKind, Need
from naiad.service.gateway.s3.permissions import Access, may, split_uri

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def job_of(name, request, kind=JobKind.TRAINING):
    return Job(kind, name, "eu-central-1", request, Need(1, 1, 1), NOW, NOW)


TRAINING = job_of(
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
    ("access", "bucket", "name", "due"),
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
        (Access.LOOK, "data", "", True),
        (Access.LOOK, "secret", "", False),
        (Access.OWN, "data", "", False),
        (Access.OWN, "", "", False),
    ],
)
def test_a_training_job(access, bucket, name, due):
    assert may(TRAINING, access, bucket, name) is due


def test_a_path_of_results_that_ends_with_the_jobs_name_is_its_own():
    job = job_of("fn-1", {"OutputDataConfig": {"S3OutputPath": "s3://bucket/root/fn-1/"}})
    assert may(job, Access.READ, "bucket", "root/fn-1/function/payload.pkl")
    assert may(job, Access.WRITE, "bucket", "root/fn-1/results/payload.pkl")
    assert not may(job, Access.READ, "bucket", "root/fn-2/results/payload.pkl")


def test_a_processing_job():
    request = {
        "ProcessingInputs": [
            {"InputName": "a", "S3Input": {"S3Uri": "s3://in/raw"}},
            {"InputName": "b", "AppManaged": True},
        ],
        "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": "s3://out/clean"}}]},
    }
    job = job_of("p", request, JobKind.PROCESSING)
    assert may(job, Access.READ, "in", "raw/x")
    assert not may(job, Access.WRITE, "in", "raw/x")
    assert may(job, Access.WRITE, "out", "clean/x")
    assert not may(job, Access.WRITE, "out", "clean2/x")


def test_a_job_that_names_nothing_reaches_nothing():
    assert not any(may(job_of("n", {}), access, "data", "k") for access in Access)


def test_uris():
    assert split_uri("s3://b/k/x") == ("b", "k/x")
    assert split_uri("s3://b") == ("b", "")
    assert split_uri("https://b/k") == ("", "")


def test_the_door_asks(call, blobs):
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
    answer = call("POST", "/results?delete", body=body, job=TRAINING).text
    assert "<Deleted><Key>job-1/a</Key></Deleted><Error><Key>mine/b</Key><Code>AccessDenied</Code>" in answer
    copied = call("PUT", "/results/mine/job-1/k", headers={"x-amz-copy-source": "data/fashion/1"}, job=TRAINING)
    assert copied.status == 200
