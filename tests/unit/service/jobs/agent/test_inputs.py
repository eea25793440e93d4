"""The inputs that a program finds when it starts."""

from pathlib import Path
from typing import Any

import pytest

from naiad.service.blobs.port import BlobStore
from naiad.service.domain.job import JobKind
from naiad.service.jobs.agent.inputs import Inputs


def source(uri: str, **more: str) -> dict[str, Any]:
    return {"S3DataType": "S3Prefix", "S3Uri": uri, **more}


@pytest.fixture
def fetch(spec_of: Any, blobs: BlobStore, tmp_path: Path) -> Any:
    """Fetches the inputs, and returns the files and the messages."""

    def run(request: dict[str, Any], **more: Any) -> tuple[dict[str, bytes], list[str]]:
        messages: list[str] = []
        ml = tmp_path / "ml"
        for sync in Inputs(spec_of(request, **more), blobs, ml, messages.append).fetch():
            sync.finish()
        return {str(path.relative_to(ml)): path.read_bytes() for path in ml.rglob("*") if path.is_file()}, messages

    return run


def test_the_channels_and_checkpoints_of_a_training_job(put: Any, fetch: Any) -> None:
    put({"data/a": b"1", "kept/deep/b": b"2"})
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": source("s3://naiad/data/")}}
    request = {"InputDataConfig": [channel], "CheckpointConfig": {"S3Uri": "s3://naiad/kept"}}
    files, messages = fetch(request)
    assert files == {"input/data/train/a": b"1", "checkpoints/deep/b": b"2"}
    assert messages == ["1 checkpoint files were restored"]


def test_the_inputs_and_outputs_of_a_processing_job(put: Any, fetch: Any, tmp_path: Path) -> None:
    put({"data/a": b"1"})
    processing_input = source("s3://naiad/data/", LocalPath="/opt/ml/processing/input")
    output = {"S3Uri": "s3://naiad/out", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "Continuous"}
    request = {
        "ProcessingInputs": [{"InputName": "data", "S3Input": processing_input}],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "all", "S3Output": output}]},
    }
    assert fetch(request, kind=JobKind.PROCESSING) == ({"processing/input/a": b"1"}, [])
    assert (tmp_path / "ml" / "processing" / "output").is_dir()


def test_the_instances_of_a_transform_job_divide_the_files(put: Any, fetch: Any) -> None:
    put({"data/a": b"1", "data/b": b"2"})
    request = {"Container": {}, "TransformInput": {"DataSource": {"S3DataSource": source("s3://naiad/data/")}}}
    files, _ = fetch(request, kind=JobKind.TRANSFORM, index=1, instances=2)
    assert files == {"transform/input/b": b"2"}
