"""Tests of InvokeEndpointAsync: the answer, or the reason of a failure, is an object, also when the server dies meanwhile."""

import json
import signal
from typing import Any

import pytest
from botocore.exceptions import ClientError

SLOW = b"""
import json, pathlib, time
def model_fn(folder): return 2
def transform_fn(model, body, content_type, accept):
    value = json.loads(body)
    if value == "slow":
        time.sleep(1.5)
        return json.dumps("slowly")
    return json.dumps(model * value)
"""


def deploy(endpoints: Any, name: str) -> None:
    config = {"OutputConfig": {"S3OutputPath": "s3://naiad/answers", "S3FailurePath": "s3://naiad/failures/"}}
    endpoints.config(
        name, {"ModelName": endpoints.model(name, {"code/inference.py": SLOW})}, AsyncInferenceConfig=config
    )
    endpoints.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert endpoints.wait_deployed(name)["EndpointStatus"] == "InService"


def invoke(endpoints: Any, name: str, value: Any) -> dict[str, Any]:
    endpoints.server.client("s3").put_object(Bucket="naiad", Key="questions/one", Body=json.dumps(value).encode())
    return endpoints.server.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=name, InputLocation="s3://naiad/questions/one", ContentType="application/json", InferenceId="mine"
    )


def read(endpoints: Any, location: str) -> bytes | None:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    try:
        return endpoints.server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except endpoints.server.client("s3").exceptions.NoSuchKey:
        return None


def test_answers_and_failures_are_objects(endpoints: Any):
    deploy(endpoints, "later")
    accepted = invoke(endpoints, "later", 21)
    assert accepted["InferenceId"] == "mine"
    assert accepted["OutputLocation"].startswith("s3://naiad/answers/")
    assert json.loads(endpoints.until(lambda: read(endpoints, accepted["OutputLocation"]))) == 42
    failed = invoke(endpoints, "later", None)
    assert b"TypeError" in endpoints.until(lambda: read(endpoints, failed["FailureLocation"]))
    assert read(endpoints, failed["OutputLocation"]) is None
    folder = endpoints.server.state / "endpoints" / "later" / "async"
    endpoints.until(lambda: not list(folder.iterdir()))


def test_an_endpoint_without_async_config_refuses(endpoints: Any):
    endpoints.deploy("now", {"code/inference.py": SLOW})
    with pytest.raises(ClientError, match="no AsyncInferenceConfig"):
        invoke(endpoints, "now", 1)


def test_a_killed_server_carries_on_with_accepted_requests(own_endpoints: Any):
    endpoints = own_endpoints
    deploy(endpoints, "lasting")
    accepted = invoke(endpoints, "lasting", "slow")
    endpoints.server.end(signal.SIGKILL)
    endpoints.server.start()
    assert json.loads(endpoints.until(lambda: read(endpoints, accepted["OutputLocation"]))) == "slowly"
