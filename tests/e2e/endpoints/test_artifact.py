"""Tests of an artifact behind an endpoint: it answers as ``Model.predict`` in every content type, and refuses other input."""

import datetime as dt
import io
import json
import random
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from botocore.exceptions import ClientError
from PIL import Image

import naiad


@pytest.fixture(scope="module")
def photos(endpoints: Any) -> str:
    return endpoints.deploy("photos")


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Images, uint8 (5, 1, 8, 8)."""
    return np.random.default_rng(1).integers(0, 256, (5, 1, 8, 8), dtype=np.uint8)


@pytest.fixture(scope="module")
def predicted(endpoints: Any, pixels: np.ndarray) -> naiad.Predictions:
    return naiad.load(endpoints.artifact).predict(pixels)


def npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def test_every_content_type_gives_the_same_answer(endpoints: Any, photos: str, pixels: np.ndarray, predicted: Any):
    bodies = {
        "application/json": json.dumps({"instances": pixels.tolist()}).encode(),
        "application/jsonlines": b"".join(json.dumps(one.tolist()).encode() + b"\n" for one in pixels),
        "text/csv": "\n".join(",".join(map(str, one.flatten())) for one in pixels).encode(),
        "application/x-npy": npy(pixels),
        "application/octet-stream": pixels.tobytes(),
    }
    for content_type, body in bodies.items():
        answer = json.loads(endpoints.invoke(photos, body, content_type)["Body"].read())
        assert answer["labels"] == predicted.labels.tolist(), content_type
        np.testing.assert_allclose(answer["scores"], predicted.scores, rtol=1e-3, atol=1e-4)


def test_pictures(endpoints: Any, photos: str):
    folder = endpoints.artifact.parent / "photos"
    model = naiad.load(endpoints.artifact)
    for path in (folder / "cat" / "0.png", folder / "dog" / "3.png"):
        answer = json.loads(endpoints.invoke(photos, path.read_bytes(), "image/png")["Body"].read())
        assert answer["labels"] == model.predict([path]).labels.tolist()


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("JPEG", "image/jpeg"),
        ("JPEG", "application/x-image"),
        ("BMP", "application/x-image"),
        ("PNG", "application/x-image"),
    ],
)
def test_pictures_of_other_formats(endpoints: Any, photos: str, tmp_path: Path, kind: str, content_type: str):
    path = tmp_path / f"one.{kind.lower()}"
    Image.open(endpoints.artifact.parent / "photos" / "cat" / "1.png").save(path, format=kind)
    answer = json.loads(endpoints.invoke(photos, path.read_bytes(), content_type)["Body"].read())
    expected = naiad.load(endpoints.artifact).predict([path])
    assert answer["labels"] == expected.labels.tolist()
    np.testing.assert_allclose(answer["scores"], expected.scores, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("accept", ["application/json", "application/jsonlines", "text/csv", "application/x-npy"])
def test_answers_in_the_requested_type(endpoints: Any, photos: str, pixels: np.ndarray, predicted: Any, accept: str):
    response = endpoints.invoke(photos, pixels.tobytes(), "application/octet-stream", Accept=accept)
    body = response["Body"].read()
    assert response["ContentType"] == accept
    assert response["InvokedProductionVariant"] == "AllTraffic"
    match accept:
        case "application/json":
            scores = json.loads(body)["scores"]
        case "application/jsonlines":
            scores = [json.loads(line)["scores"] for line in body.splitlines()]
        case "text/csv":
            scores = [[float(cell) for cell in line.split(",")[1:]] for line in body.decode().splitlines()]
        case _:
            scores = np.load(io.BytesIO(body), allow_pickle=False)
    np.testing.assert_allclose(scores, predicted.scores, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "message"),
    [
        (b"[1, 2, 3]", "application/json", 400, r"\(3,\).*\(N, 1, 8, 8\)"),
        (b"{", "application/json", 400, r"1 bytes is not JSON.*\(N, 1, 8, 8\)"),
        (b'["a", "b"]', "application/json", 400, "<U1"),
        (b"x" * 63, "application/octet-stream", 400, r"63 bytes; a sample has 64.*uint8 of shape \(N, 1, 8, 8\)"),
        (b"no picture", "image/png", 400, r"not a readable PNG image.*\(N, 1, 8, 8\)"),
        (b"a", "video/mp4", 415, "video/mp4.*is not supported"),
        (b"\x93NUMPY\x01\x00", "application/x-npy", 400, "not a NumPy array"),
    ],
)
def test_input_that_does_not_fit_is_refused_with_both_shapes(
    endpoints: Any, photos: str, body: bytes, content_type: str, status: int, message: str
):
    with pytest.raises(ClientError, match=message) as raised:
        endpoints.invoke(photos, body, content_type)
    assert raised.value.response["Error"]["Code"] == "ValidationError"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_hundreds_of_malformed_bodies_end_in_4xx_and_no_replica_dies(endpoints: Any, photos: str, pixels: np.ndarray):
    chance, runtime = random.Random(0), endpoints.server.client("sagemaker-runtime")
    server = psutil.Process(endpoints.server.process.pid)
    before = {child.pid for child in server.children(recursive=True)}
    seeds = [
        json.dumps(pixels.tolist()).encode(),
        npy(pixels),
        pixels.tobytes(),
        b"1,2,3\n" * 20,
        b"\x89PNG\r\n\x1a\n" + bytes(99),
    ]
    types = ["application/json", "application/x-npy", "application/octet-stream", "text/csv", "image/png", "x/y"]
    statuses = Counter[int]()
    for _ in range(400):
        body = bytearray(chance.choice(seeds))
        at = chance.randrange(len(body))
        body[at : at + chance.randrange(9)] = chance.randbytes(chance.randrange(9))
        content_type = chance.choice(types)
        try:
            arguments = {"EndpointName": photos, "Body": bytes(body), "ContentType": content_type}
            answer = runtime.invoke_endpoint(**arguments)
            answer["Body"].read()
            statuses[answer["ResponseMetadata"]["HTTPStatusCode"]] += 1
        except ClientError as error:
            statuses[error.response["ResponseMetadata"]["HTTPStatusCode"]] += 1
    assert set(statuses) <= {200, 400, 415}
    assert statuses[400] > 100
    assert before == {child.pid for child in server.children(recursive=True)}


def test_an_unsupported_accept(endpoints: Any, photos: str, pixels: np.ndarray):
    with pytest.raises(ClientError, match="no type of Accept 'image/png' is supported") as raised:
        endpoints.invoke(photos, pixels.tobytes(), "application/octet-stream", Accept="image/png")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 406


def test_the_measured_engines_are_in_the_log(endpoints: Any, photos: str):
    lines = [line for line in endpoints.lines(photos) if "engine" in line]
    assert any("onnxruntime" in line and "agrees" in line for line in lines)
    assert any("engine chosen: " in line for line in lines)


def engine_table(endpoints: Any, model: str) -> Any:
    """Returns what was measured, which is beside the model's data."""
    store = endpoints.server.client("s3")
    return json.loads(store.get_object(Bucket="naiad", Key=f"models/{model}.tar.gz.engines.json")["Body"].read())


def test_the_measured_engines_are_beside_the_models_data(endpoints: Any, photos: str):
    table = engine_table(endpoints, photos)
    assert {"onnxruntime", table["chosen"]} <= {row["engine"] for row in table["rows"]}


@pytest.mark.slow
def test_the_row_of_torch_is_added_when_replicas_answer_already(endpoints: Any, photos: str):
    complete = endpoints.until(lambda: (current := engine_table(endpoints, photos))["unmeasured"] == [] and current)
    assert {"torch", "onnxruntime", complete["chosen"]} <= {row["engine"] for row in complete["rows"]}


def test_metrics_for_cloudwatch_and_for_prometheus(endpoints: Any, photos: str, pixels: np.ndarray):
    endpoints.invoke(photos, pixels.tobytes(), "application/octet-stream")["Body"].read()
    now = dt.datetime.now(dt.UTC)
    points = endpoints.server.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": "EndpointName", "Value": photos}, {"Name": "VariantName", "Value": "AllTraffic"}],
        StartTime=now - dt.timedelta(hours=1),
        EndTime=now + dt.timedelta(minutes=2),
        Period=60,
        Statistics=["Sum", "Average"],
    )["Datapoints"]
    assert sum(point["Sum"] for point in points) >= 1
    with urllib.request.urlopen(f"{endpoints.server.address.url}/metrics") as answer:
        text = answer.read().decode()
    assert f'naiad_invocations_total{{endpoint="{photos}",status="200",variant="AllTraffic"}}' in text
    assert f'naiad_instances_ready{{endpoint="{photos}",variant="AllTraffic"}} 1.0' in text


def test_a_missing_endpoint(endpoints: Any):
    with pytest.raises(ClientError, match="Endpoint nowhere not found") as raised:
        endpoints.invoke("nowhere", b"[]")
    assert raised.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="Could not find endpoint"):
        endpoints.sagemaker.describe_endpoint(EndpointName="nowhere")


def test_a_model_that_cannot_be_deployed_gives_the_reason(endpoints: Any, tmp_path: Path):
    corrupted = {path.name: path.read_bytes() for path in endpoints.artifact.iterdir() if path.is_file()}
    corrupted["model.onnx"] = corrupted["model.onnx"][:-7] + b"changed"
    endpoints.config("corrupted", {"ModelName": endpoints.model("corrupted", corrupted)})
    endpoints.sagemaker.create_endpoint(EndpointName="corrupted", EndpointConfigName="corrupted")
    described = endpoints.wait_deployed("corrupted")
    assert described["EndpointStatus"] == "Failed"
    assert "model.onnx is damaged" in described["FailureReason"]
    with pytest.raises(ClientError, match="corrupted is Failed"):
        endpoints.invoke("corrupted", b"[]")
    endpoints.sagemaker.delete_endpoint(EndpointName="corrupted")
    endpoints.until(
        lambda: "corrupted" not in [one["EndpointName"] for one in endpoints.sagemaker.list_endpoints()["Endpoints"]]
    )
