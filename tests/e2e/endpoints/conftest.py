"""Fixtures: a live server, models for it, and the calls that tests of endpoints make."""

import io
import json
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROLE = "arn:aws:iam::000000000000:role/naiad"


@dataclass(frozen=True)
class Endpoints:
    """Calls to a live server through boto3."""

    server: Any
    artifact: Path

    @property
    def sagemaker(self) -> Any:
        return self.server.client("sagemaker")

    def put(self, key: str, files: Mapping[str, bytes] | Path) -> str:
        """Uploads a model.tar.gz, and returns its address. A file whose name ends with ``serve`` is executable."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as tar:
            if isinstance(files, Path):
                tar.add(files, arcname=".")
            else:
                for name, content in files.items():
                    info = tarfile.TarInfo(name)
                    info.size, info.mode = len(content), 0o755 if name.endswith("serve") else 0o644
                    tar.addfile(info, io.BytesIO(content))
        self.server.client("s3").put_object(Bucket="naiad", Key=key, Body=out.getvalue())
        return f"s3://naiad/{key}"

    def model(self, name: str, files: Mapping[str, bytes] | Path | None = None, **environment: str) -> str:
        url = self.put(f"models/{name}.tar.gz", files if files is not None else self.artifact)
        container = {"Image": "naiad/inference", "ModelDataUrl": url, "Environment": environment}
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
        return name

    def config(self, name: str, *variants: Mapping[str, Any], **more: Any) -> str:
        defaults = {"InitialInstanceCount": 1, "InstanceType": "ml.m5.large", "InitialVariantWeight": 1.0}
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[self.variant(one, defaults) for one in variants], **more
        )
        return name

    @staticmethod
    def variant(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
        variant = {"VariantName": "AllTraffic", **({} if "ServerlessConfig" in values else defaults), **values}
        return {key: value for key, value in variant.items() if value is not None}

    def deploy(self, name: str, files: Mapping[str, bytes] | Path | None = None, **environment: str) -> str:
        """Creates a model, a configuration and an endpoint of one name, and waits until it is in service."""
        self.config(name, {"ModelName": self.model(name, files, **environment)})
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        described = self.wait_deployed(name)
        assert described["EndpointStatus"] == "InService", described.get("FailureReason")
        return name

    def wait_deployed(self, name: str) -> dict[str, Any]:
        """Returns its description once it is no longer being created or updated."""
        deadline = time.monotonic() + 120
        while True:
            described: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=name)
            if described["EndpointStatus"] not in ("Creating", "Updating"):
                return described
            assert time.monotonic() < deadline, described
            time.sleep(0.05)

    def invoke(self, name: str, body: bytes, content_type: str = "application/json", **more: Any) -> Any:
        runtime = self.server.client("sagemaker-runtime")
        return runtime.invoke_endpoint(EndpointName=name, Body=body, ContentType=content_type, **more)

    def answer(self, name: str, value: Any, **more: Any) -> Any:
        return json.loads(self.invoke(name, json.dumps(value).encode(), **more)["Body"].read())

    def lines(self, name: str) -> list[str]:
        """Returns the lines of all its log streams."""
        pages = self.server.client("logs").get_paginator("filter_log_events")
        log_pages = pages.paginate(logGroupName=f"/aws/sagemaker/Endpoints/{name}")
        return [event["message"] for page in log_pages for event in page["events"]]

    def until(self, condition: Callable[[], Any], *, timeout_s: float = 60) -> Any:
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return value


@pytest.fixture(scope="module")
def endpoints(shared_server: Any, _trained: Path) -> Endpoints:
    """Endpoints of a shared server. The artifact is for 8×8 grey images of two classes."""
    return Endpoints(shared_server, _trained / "run")


@pytest.fixture
def own_endpoints(server: Any, _trained: Path) -> Endpoints:
    """Endpoints of a server that the test may end."""
    return Endpoints(server, _trained / "run")
