import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from naiad.client.connection import connect
from naiad.client.model_sample import sample_body
from naiad.errors import InputError


def deploy(service: Any, tmp_path: Path, files: dict[str, bytes]) -> None:
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    connect().deploy(path, "shoes", wait=False)
    service.settle("shoes")


@pytest.mark.parametrize("name", ["samples.safetensors", "./samples.safetensors"])
def test_the_first_sample_of_an_artifact_as_a_raw_tensor(service: Any, tmp_path: Path, name: str) -> None:
    raw = np.arange(32, dtype=np.uint8).reshape(2, 1, 4, 4)
    content = safetensors.numpy.save({"raw": raw, "scores": np.zeros((2, 3), np.float32)})
    deploy(service, tmp_path, {"naiad.json": b"{}", name: content})
    body = sample_body("shoes", service.client("sagemaker"), service.client("s3"))
    assert body == (bytes(range(16)), "application/octet-stream")


def test_a_model_without_samples_wants_an_input(service: Any, tmp_path: Path) -> None:
    deploy(service, tmp_path, {"code/inference.py": b"", "deep/samples.safetensors": b""})
    with pytest.raises(InputError, match="the model of endpoint shoes keeps no samples") as told:
        sample_body("shoes", service.client("sagemaker"), service.client("s3"))
    assert told.value.hint is not None
    assert "--body" in told.value.hint
