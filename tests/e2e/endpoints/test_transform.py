"""Tests of batch transform jobs: lines, joins and filters, whole files, and a record that the model cannot process."""

import gzip
import io
import json
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

import naiad

ADDS = b"""
import json
def model_fn(folder): return None
def input_fn(body, content_type):
    if content_type == "text/csv":
        return [[float(cell) for cell in line.split(",")] for line in body.splitlines()]
    return [json.loads(line) for line in body.splitlines()]
def predict_fn(rows, model):
    return [sum(row.values()) if isinstance(row, dict) else sum(row) for row in rows]
def output_fn(sums, accept):
    return "\\n".join(map(str, sums))
"""


@pytest.fixture(scope="module")
def adds(endpoints: Any) -> str:
    return endpoints.model("adds", {"code/inference.py": ADDS})


def start(endpoints: Any, name: str, model: str, files: dict[str, bytes], **more: Any) -> None:
    for key, body in files.items():
        endpoints.server.client("s3").put_object(Bucket="naiad", Key=f"{name}/in/{key}", Body=body)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://naiad/{name}/in/"}}
    transform_input = {"DataSource": source, **more.pop("source", {})}
    transform_output = {"S3OutputPath": f"s3://naiad/{name}/out", **more.pop("output", {})}
    endpoints.sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=model,
        TransformInput=transform_input,
        TransformOutput=transform_output,
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **more,
    )


def wait_ended(endpoints: Any, name: str) -> dict[str, Any]:
    return endpoints.until(
        lambda: (
            (described := endpoints.sagemaker.describe_transform_job(TransformJobName=name))["TransformJobStatus"]
            in ("Completed", "Failed", "Stopped")
            and described
        )
    )


def outputs(endpoints: Any, name: str) -> dict[str, bytes]:
    store = endpoints.server.client("s3")
    keys = [one["Key"] for one in store.list_objects_v2(Bucket="naiad", Prefix=f"{name}/out/").get("Contents", ())]
    return {key.removeprefix(f"{name}/out/"): store.get_object(Bucket="naiad", Key=key)["Body"].read() for key in keys}


def completed(endpoints: Any, name: str) -> dict[str, bytes]:
    described = wait_ended(endpoints, name)
    assert described["TransformJobStatus"] == "Completed", described.get("FailureReason")
    return outputs(endpoints, name)


def test_lines_joined_and_filtered(endpoints: Any, adds: str):
    start(
        endpoints,
        "joined",
        adds,
        {"a.csv": b"id1,1,2\nid2,3,4\n", "deep/b.csv": b"id3,5,6"},
        source={"ContentType": "text/csv", "SplitType": "Line"},
        output={"Accept": "text/csv", "AssembleWith": "Line"},
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
    )
    assert completed(endpoints, "joined") == {"a.csv.out": b"id1,3.0\nid2,7.0\n", "deep/b.csv.out": b"id3,11.0\n"}


def test_json_lines_one_by_one_from_gzip(endpoints: Any, adds: str):
    start(
        endpoints,
        "lines",
        adds,
        {"rows.jsonl": gzip.compress(b'{"a": 1, "b": 2}\n{"a": 5, "b": 5}\n')},
        source={"ContentType": "application/jsonlines", "SplitType": "Line", "CompressionType": "Gzip"},
        output={"Accept": "application/jsonlines", "AssembleWith": "Line"},
        BatchStrategy="SingleRecord",
        DataProcessing={"JoinSource": "Input"},
    )
    (text,) = completed(endpoints, "lines").values()
    assert [json.loads(line) for line in text.splitlines()] == [
        {"a": 1, "b": 2, "SageMakerOutput": 3},
        {"a": 5, "b": 5, "SageMakerOutput": 10},
    ]


def test_an_artifact_on_pictures_and_arrays(endpoints: Any):
    endpoints.model("whole")
    folder, model = endpoints.artifact.parent / "photos", naiad.load(endpoints.artifact)
    files = {
        f"{kind}/{number}.png": (folder / kind / f"{number}.png") for kind in ("cat", "dog") for number in range(3)
    }
    start(
        endpoints,
        "pictures",
        "whole",
        {name: path.read_bytes() for name, path in files.items()},
        source={"ContentType": "image/png"},
        output={"Accept": "application/json"},
    )
    labels = {name: json.loads(body)["labels"] for name, body in completed(endpoints, "pictures").items()}
    assert labels == {f"{name}.out": model.predict([path]).labels.tolist() for name, path in files.items()}
    images, file = np.random.default_rng(0).integers(0, 256, (70, 1, 8, 8), dtype=np.uint8), io.BytesIO()
    np.save(file, images)
    start(
        endpoints,
        "arrays",
        "whole",
        {"all.npy": file.getvalue()},
        source={"ContentType": "application/x-npy"},
        output={"Accept": "application/x-npy"},
    )
    scores = np.load(io.BytesIO(completed(endpoints, "arrays")["all.npy.out"]))
    np.testing.assert_allclose(scores, model.predict(images).scores, rtol=1e-3, atol=1e-4)


def test_a_record_that_fails_is_named_and_nothing_is_stored(endpoints: Any, adds: str):
    start(
        endpoints,
        "failing",
        adds,
        {"a.csv": b"1,2\n", "b.csv": b"1,2\n3,four\n"},
        source={"ContentType": "text/csv", "SplitType": "Line"},
        BatchStrategy="SingleRecord",
    )
    described = wait_ended(endpoints, "failing")
    assert described["TransformJobStatus"] == "Failed"
    assert "b.csv: record 2: the model answered 424: ValueError" in described["FailureReason"]
    assert outputs(endpoints, "failing") == {}


def test_unsupported_requests(endpoints: Any, adds: str):
    for more, message in (
        ({"DataProcessing": {"JoinSource": "Input"}}, "SplitType Line"),
        ({"source": {"SplitType": "RecordIO"}}, "RecordIO is not served"),
        ({"DataProcessing": {"InputFilter": "$..a"}}, "cannot be read from"),
    ):
        with pytest.raises(ClientError, match=message):
            start(endpoints, "unsupported", adds, {}, **more)
    with pytest.raises(ClientError, match="Could not find model"):
        start(endpoints, "unsupported", "nothing", {})


def test_the_list_the_log_and_tags(endpoints: Any, adds: str):
    start(
        endpoints,
        "listed",
        adds,
        {"a.csv": b"1,2"},
        source={"ContentType": "text/csv"},
        Tags=[{"Key": "team", "Value": "x"}],
    )
    completed(endpoints, "listed")
    summaries = endpoints.sagemaker.list_transform_jobs(NameContains="listed")["TransformJobSummaries"]
    assert [one["TransformJobStatus"] for one in summaries] == ["Completed"]
    assert endpoints.sagemaker.list_tags(ResourceArn=summaries[0]["TransformJobArn"])["Tags"] == [
        {"Key": "team", "Value": "x"}
    ]
    logs = endpoints.server.client("logs")
    events = logs.filter_log_events(logGroupName="/aws/sagemaker/TransformJobs", logStreamNamePrefix="listed/")[
        "events"
    ]
    assert "1 files" in [event["message"] for event in events]


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("application/jsonlines", b"{"),
        pytest.param("application/json", b"{", marks=pytest.mark.slow),
        pytest.param("text/csv", b"", marks=pytest.mark.slow),
    ],
)
def test_an_artifact_answers_one_line_a_record(endpoints: Any, kind: str, first: bytes):
    """No Accept is needed. Several records are one request where their type allows it."""
    name = f"lines-{kind.partition('/')[2]}"
    images = np.random.default_rng(1).integers(0, 256, (70, 64), dtype=np.uint8)
    lines = [",".join(map(str, row)) if kind == "text/csv" else json.dumps(row) for row in images.tolist()]
    files = {"rows": "\n".join(lines).encode()}
    source, output = {"ContentType": kind, "SplitType": "Line"}, {"AssembleWith": "Line"}
    start(endpoints, name, endpoints.model(name), files, source=source, output=output)
    answers = completed(endpoints, name)["rows.out"].splitlines()
    assert len(answers) == 70
    assert all(line.startswith(first) for line in answers)
    labels = [line.decode().partition(",")[0] if kind == "text/csv" else json.loads(line)["label"] for line in answers]
    assert labels == naiad.load(endpoints.artifact).predict(images.reshape(-1, 1, 8, 8)).labels.tolist()
