import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import naiad
from naiad.errors import ArtifactError
from naiad.service.endpoints.worker.artifact import open_artifact


def test_files_and_samples(artifact: Path):
    served = open_artifact(artifact)
    assert served.has("model.onnx")
    assert not served.has("nothing")
    raw, scores = served.samples()
    np.testing.assert_allclose(naiad.load(artifact).predict(raw).scores, scores, atol=1e-6)


def test_a_copy_has_the_same_digest_and_a_change_raises(artifact: Path, tmp_path: Path):
    copy = Path(shutil.copytree(artifact, tmp_path / "copy"))
    assert open_artifact(copy).digest == open_artifact(artifact).digest
    (copy / "model.onnx").write_bytes(b"other")
    with pytest.raises(ArtifactError, match=r"model\.onnx is damaged"):
        open_artifact(copy)


def test_import_needs_no_torch():
    names = ", ".join(
        f"naiad.service.endpoints.worker.{one}"
        for one in ("artifact_handler", "batcher", "server_connection", "engines.onnx")
    )
    check = f"import sys; import {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
