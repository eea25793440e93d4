"""Tests of an endpoint's life: updates, one that is rolled back, weights, shadows, scaling, and a server that dies."""

import signal
import threading
from collections import Counter
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from naiad.service.executors.process import Process

NAMED = """
import json
def model_fn(folder): return {name!r}
def transform_fn(model, body, content_type, accept):
    print(model, "was asked", flush=True)
    return json.dumps(model)
"""


def named_model(name: str) -> dict[str, bytes]:
    return {"code/inference.py": NAMED.format(name=name).encode()}


def test_an_update_answers_without_a_gap(endpoints: Any):
    endpoints.deploy("steady", named_model("old"))
    endpoints.config("steady-2", {"ModelName": endpoints.model("steady-new", named_model("new"))})
    answers: list[Any] = []
    is_over = threading.Event()

    def run_client() -> None:
        while not is_over.is_set():
            answers.append(endpoints.answer("steady", 0))

    threads = [threading.Thread(target=run_client) for _ in range(3)]
    for thread in threads:
        thread.start()
    endpoints.sagemaker.update_endpoint(EndpointName="steady", EndpointConfigName="steady-2")
    described = endpoints.sagemaker.describe_endpoint(EndpointName="steady")
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("Updating", "steady")
    assert described["PendingDeploymentSummary"]["EndpointConfigName"] == "steady-2"
    described = endpoints.wait_deployed("steady")
    endpoints.until(lambda: answers[-1] == "new")
    is_over.set()
    for thread in threads:
        thread.join()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "steady-2")
    assert answers == sorted(answers, reverse=True) or Counter(answers).keys() == {"old", "new"}
    assert endpoints.answer("steady", 0) == "new"


def test_an_update_that_does_not_start_is_rolled_back_and_reported(endpoints: Any):
    endpoints.deploy("careful", named_model("first"))
    broken = {"code/inference.py": b"def model_fn(folder):\n    raise OSError('no weights')\n"}
    endpoints.config("careful-2", {"ModelName": endpoints.model("careful-broken", broken)})
    endpoints.sagemaker.update_endpoint(EndpointName="careful", EndpointConfigName="careful-2")
    described = endpoints.wait_deployed("careful")
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "careful")
    assert "careful-2 was taken back: OSError: no weights" in described["FailureReason"]
    assert endpoints.answer("careful", 0) == "first"


def test_weights_targets_and_counts(endpoints: Any):
    for name in ("blue", "green"):
        endpoints.model(f"weighed-{name}", named_model(name))
    variants = [
        {"VariantName": name, "ModelName": f"weighed-{name}", "InitialVariantWeight": weight}
        for name, weight in (("blue", 1.0), ("green", 0.0))
    ]
    endpoints.config("weighed", *variants)
    endpoints.sagemaker.create_endpoint(EndpointName="weighed", EndpointConfigName="weighed")
    assert endpoints.wait_deployed("weighed")["EndpointStatus"] == "InService"
    assert {endpoints.answer("weighed", 0) for _ in range(20)} == {"blue"}
    assert endpoints.answer("weighed", 0, TargetVariant="green") == "green"
    with pytest.raises(ClientError, match="no variant 'red'"):
        endpoints.answer("weighed", 0, TargetVariant="red")
    changes = [
        {"VariantName": "blue", "DesiredWeight": 0.0, "DesiredInstanceCount": 1},
        {"VariantName": "green", "DesiredWeight": 3.0, "DesiredInstanceCount": 2},
    ]
    endpoints.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="weighed", DesiredWeightsAndCapacities=changes
    )
    described = endpoints.wait_deployed("weighed")
    states = {
        one["VariantName"]: (one["CurrentWeight"], one["CurrentInstanceCount"])
        for one in described["ProductionVariants"]
    }
    assert states == {"blue": (0.0, 1), "green": (3.0, 2)}
    assert {endpoints.answer("weighed", 0) for _ in range(20)} == {"green"}


def test_a_shadow_gets_every_request_and_its_answers_are_not_used(endpoints: Any):
    endpoints.model("seen", named_model("seen"))
    endpoints.model("unseen", named_model("unseen"))
    shadow = {"VariantName": "Shadow", "ModelName": "unseen", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    endpoints.config("shadowed", {"ModelName": "seen"}, ShadowProductionVariants=[shadow])
    endpoints.sagemaker.create_endpoint(EndpointName="shadowed", EndpointConfigName="shadowed")
    assert endpoints.wait_deployed("shadowed")["EndpointStatus"] == "InService"
    assert {endpoints.answer("shadowed", 0) for _ in range(5)} == {"seen"}
    endpoints.until(lambda: endpoints.lines("shadowed").count("unseen was asked") == 5)


def test_down_to_zero_and_woken_by_an_invocation(endpoints: Any):
    endpoints.model("sleepy", named_model("awake"), NAIAD_IDLE_S="1")
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
    endpoints.config("sleepy", {"ModelName": "sleepy", "ServerlessConfig": serverless})
    endpoints.sagemaker.create_endpoint(EndpointName="sleepy", EndpointConfigName="sleepy")
    assert endpoints.wait_deployed("sleepy")["EndpointStatus"] == "InService"

    def count() -> int:
        (variant,) = endpoints.sagemaker.describe_endpoint(EndpointName="sleepy")["ProductionVariants"]
        assert variant["CurrentServerlessConfig"] == serverless
        return int(variant["CurrentInstanceCount"])

    endpoints.until(lambda: count() == 0)
    assert endpoints.answer("sleepy", 0) == "awake"
    assert count() == 1


def test_a_deleted_model_and_configuration_change_nothing(endpoints: Any):
    endpoints.deploy("kept", named_model("kept"))
    endpoints.sagemaker.delete_endpoint_config(EndpointConfigName="kept")
    endpoints.sagemaker.delete_model(ModelName="kept")
    assert endpoints.answer("kept", 0) == "kept"
    with pytest.raises(ClientError, match="Could not find model"):
        endpoints.sagemaker.describe_model(ModelName="kept")
    endpoints.sagemaker.delete_endpoint(EndpointName="kept")
    waiter = endpoints.sagemaker.get_waiter("endpoint_deleted")
    waiter.wait(EndpointName="kept", WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    with pytest.raises(ClientError, match="kept not found"):
        endpoints.answer("kept", 0)


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_server_that_starts_again_answers_again(own_endpoints: Any, number: int):
    """The model's data is not needed any more."""
    endpoints = own_endpoints
    endpoints.deploy("lasting", named_model("lasting"))
    endpoints.server.client("s3").delete_object(Bucket="naiad", Key="models/lasting.tar.gz")
    replicas = [child.pid for child in psutil.Process(endpoints.server.process.pid).children(recursive=True)]
    assert replicas
    endpoints.server.end(number)
    endpoints.until(lambda: not any(is_alive(pid) for pid in replicas))
    endpoints.server.start()
    assert endpoints.sagemaker.describe_endpoint(EndpointName="lasting")["EndpointStatus"] == "InService"
    assert endpoints.until(lambda: answer_or_none(endpoints, "lasting")) == "lasting"


def answer_or_none(endpoints: Any, name: str) -> Any:
    """Returns None while its replicas are being started: 503, which boto3 retries only a few times."""
    try:
        return endpoints.answer(name, 0)
    except ClientError as error:
        if "is being started" not in str(error) or error.response["ResponseMetadata"]["HTTPStatusCode"] != 503:
            raise
        return None


def is_alive(pid: int) -> bool:
    return Process.find(pid) is not None
