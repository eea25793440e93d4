import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from naiad.errors import ArtifactError
from naiad.service.endpoints.worker.artifact import open_artifact
from naiad.service.endpoints.worker.engines.loader import available_engines, load_engine
from naiad.trainer.artifact import folder


@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "openvino-bf16", "torch"])
@pytest.mark.parametrize("count", [1, 3])
def test_each_engine_gives_the_reference_scores(artifact: Path, name: str, count: int):
    served = open_artifact(artifact)
    assert name in available_engines(served)
    raw, reference = served.samples()
    engine = load_engine(name, served)
    assert engine.name == name
    scores = engine.run(np.ascontiguousarray(raw[:count]))
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, reference[:count], atol=2e-2 if name.endswith("bf16") else 1e-4)


def test_an_artifact_without_a_program_has_no_engine(artifact: Path, tmp_path: Path):
    opened = folder.open_artifact_folder(artifact)
    with folder.replace_artifact(tmp_path / "bare") as partial:
        shutil.copyfile(opened.file_path("model.safetensors"), partial / "model.safetensors")
        folder.commit(tmp_path / "bare", {**opened.values, "missing": {"program.pt2": "it branches on data"}})
    with pytest.raises(ArtifactError, match=r"no program.*it branches on data"):
        available_engines(open_artifact(tmp_path / "bare"))


def test_code_of_an_artifact_from_elsewhere_needs_walls_or_trust(artifact: Path, tmp_path: Path, monkeypatch):
    opened = folder.open_artifact_folder(artifact)
    for name, files in (("whole", ("program.pt2", "model.onnx")), ("program", ("program.pt2",))):
        with folder.replace_artifact(tmp_path / name) as partial:
            for file in files:
                shutil.copyfile(opened.file_path(file), partial / file)
            folder.commit(tmp_path / name, opened.values)
    assert "torch" not in available_engines(open_artifact(tmp_path / "whole"))
    for load in (available_engines, lambda served: load_engine("torch", served)):
        with pytest.raises(ArtifactError, match=r"program\.pt2 of .* is code of whoever wrote it"):
            load(open_artifact(tmp_path / "program"))
    monkeypatch.setenv("NAIAD_TRUST_ARTIFACT", "1")
    assert available_engines(open_artifact(tmp_path / "program")) == ["torch"]


def test_a_graph_with_weights_in_other_files_is_not_loaded(artifact: Path, tmp_path: Path):
    opened = folder.open_artifact_folder(artifact)
    model = onnx.load(opened.file_path("model.onnx"))
    with folder.replace_artifact(tmp_path / "copy") as partial:
        onnx.save(model, partial / "model.onnx", save_as_external_data=True, size_threshold=0, location="weights")
        folder.commit(tmp_path / "copy", opened.values)
    for name in ("onnxruntime", "openvino"):
        with pytest.raises(ArtifactError, match="keeps weights in other files"):
            load_engine(name, open_artifact(tmp_path / "copy"))
