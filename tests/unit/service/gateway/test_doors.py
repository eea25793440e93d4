"""The table of doors: which door owns which request."""

import pytest

from naiad.service.gateway.api_door import ApiDoor
from naiad.service.gateway.doors import open_doors
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.invocation_door import InvocationDoor
from naiad.service.gateway.s3.s3_door import S3Door
from naiad.service.gateway.unsigned_doors import MetricsDoor, PingDoor

TARGET = {"x-amz-target": "SageMaker.ListTrainingJobs"}


def signed_for(service):
    return {"authorization": f"AWS4-HMAC-SHA256 Credential=AKIA/20300101/us-east-1/{service}/aws4_request"}


def owner_of(doors, request):
    return next(type(door) for door in doors if door.owns(request))


@pytest.fixture
def doors(client):
    doors = open_doors(client.services, client.keys, None, open_metrics=True)
    yield doors
    for door in doors:
        door.close()


@pytest.mark.parametrize(
    ("method", "path", "headers", "door"),
    [
        ("GET", "/ping", {}, PingDoor),
        ("GET", "/metrics", {}, MetricsDoor),
        ("POST", "/ping", {}, ApiDoor),
        ("GET", "/ping", signed_for("s3"), S3Door),
        ("GET", "/metrics", signed_for("s3"), S3Door),
        ("GET", "/data/key", signed_for("s3"), S3Door),
        ("POST", "/endpoints/e/invocations", signed_for("s3"), S3Door),
        ("GET", "/data/key", {}, S3Door),
        ("POST", "/data/key", {}, ApiDoor),
        ("GET", "/", TARGET, ApiDoor),
        ("POST", "/", signed_for("sagemaker") | TARGET, ApiDoor),
        ("POST", "/", signed_for("sts"), ApiDoor),
        ("PUT", "/BatchPutMetrics", signed_for("sagemaker"), ApiDoor),
        ("POST", "/endpoints/e/invocations", signed_for("sagemaker"), InvocationDoor),
        ("POST", "/endpoints/e/invocations", {}, InvocationDoor),
        ("GET", "/endpoints/e/invocations", {}, S3Door),
        ("POST", "/endpoints/e/invocations", signed_for("sagemaker") | TARGET, ApiDoor),
        ("POST", "/endpoints/e/invocations", signed_for("logs"), ApiDoor),
    ],
)
def test_owners(doors, method, path, headers, door):
    assert owner_of(doors, Request(method, path, "", headers)) is door


def test_metrics_need_a_signature_unless_they_are_open(client):
    doors = open_doors(client.services, client.keys, None)
    assert owner_of(doors, Request("GET", "/metrics", "", {})) is S3Door
    for door in doors:
        door.close()
