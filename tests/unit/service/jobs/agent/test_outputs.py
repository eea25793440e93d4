import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from naiad.service.blobs.port import BlobStore
from naiad.service.domain.job import JobKind
from naiad.service.jobs.agent.outputs import processing_outputs, upload_processing, upload_training


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    for name in ("model", "output/data"):
        (tmp_path / "ml" / name).mkdir(parents=True)
    return tmp_path / "ml"


def training(path: str = "s3://naiad/out", **more: str) -> dict[str, Any]:
    return {"OutputDataConfig": {"S3OutputPath": path, **more}}


def names_in(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return sorted(tar.getnames())


def test_the_model_is_an_archive_of_files_only(ml: Path, spec_of: Any, blobs: BlobStore, stored: Any) -> None:
    (ml / "model" / "deep").mkdir()
    (ml / "model" / "deep" / "weights").write_bytes(b"w")
    (ml / "model" / "secret").symlink_to("/etc/passwd")
    (ml / "model" / "folder").symlink_to("/etc")
    os.mkfifo(ml / "model" / "pipe")
    upload_training(spec_of(training()), blobs, ml)
    assert {key: names_in(body) for key, body in stored().items()} == {"out/one/output/model.tar.gz": ["deep/weights"]}


def test_an_empty_model_is_not_stored(ml: Path, spec_of: Any, blobs: BlobStore, stored: Any) -> None:
    upload_training(spec_of(training()), blobs, ml)
    assert stored() == {}


def test_without_compression_the_files_are_stored(ml: Path, spec_of: Any, blobs: BlobStore, stored: Any) -> None:
    (ml / "model" / "weights").write_bytes(b"w")
    upload_training(spec_of(training("s3://naiad", CompressionType="NONE")), blobs, ml)
    assert stored() == {"one/output/model/weights": b"w"}


def test_only_the_first_instance_stores_the_model(ml: Path, spec_of: Any, blobs: BlobStore, stored: Any) -> None:
    (ml / "model" / "weights").write_bytes(b"w")
    (ml / "output" / "data" / "log").write_bytes(b"l")
    upload_training(spec_of(training(), index=1, instances=2), blobs, ml)
    assert list(stored()) == ["out/one/output/output-algo-2.tar.gz"]


def processing(mode: str = "EndOfJob", local: str = "/opt/ml/processing/out") -> dict[str, Any]:
    target = {"S3Uri": "s3://naiad/features/", "LocalPath": local, "S3UploadMode": mode}
    return {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "features", "S3Output": target}]}}


def test_outputs_of_a_processing_job(ml: Path, spec_of: Any, blobs: BlobStore, stored: Any) -> None:
    (ml / "processing" / "out" / "deep").mkdir(parents=True)
    (ml / "processing" / "out" / "deep" / "x").write_bytes(b"1")
    upload_processing(spec_of(processing(), kind=JobKind.PROCESSING), blobs, ml)
    assert stored() == {"features/deep/x": b"1"}


def test_a_continuous_output_is_not_stored_at_the_end(ml: Path, spec_of: Any, blobs: BlobStore, stored: Any) -> None:
    (ml / "processing" / "out").mkdir(parents=True)
    (ml / "processing" / "out" / "x").write_bytes(b"1")
    spec = spec_of(processing("Continuous"), kind=JobKind.PROCESSING)
    assert [output.is_continuous for output in processing_outputs(spec)] == [True]
    upload_processing(spec, blobs, ml)
    assert stored() == {}
