import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import naiad
from naiad.errors import ArtifactError
from naiad.service.endpoints.worker.artifact import open_artifact


def test_it_knows_its_files_and_its_samples(artifact: Path):
    opened = open_artifact(artifact)
    assert opened.has("model.onnx")
    assert not opened.has("nothing")
    raw, scores = opened.samples()
    np.testing.assert_allclose(naiad.load(artifact).predict(raw).scores, scores, atol=1e-6)


def test_a_copy_is_the_same_and_a_change_is_found(artifact: Path, tmp_path: Path):
    copy = Path(shutil.copytree(artifact, tmp_path / "copy"))
    assert open_artifact(copy).digest == open_artifact(artifact).digest
    (copy / "model.onnx").write_bytes(b"other")
    with pytest.raises(ArtifactError, match=r"model\.onnx is damaged"):
        open_artifact(copy)


def test_it_needs_no_torch():
    names = ", ".join(
        f"naiad.service.endpoints.worker.{one}" for one in ("artifact_handler", "batcher", "connection", "engines.onnx")
    )
    check = f"import sys; import {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
