import json
from pathlib import Path

import pytest

from naiad.service.endpoints.worker.artifact_handler import ArtifactHandler
from naiad.service.endpoints.worker.handler_loader import load_handler
from naiad.service.endpoints.worker.inference import InferenceError, InferenceRequest
from naiad.service.endpoints.worker.program_handler import Program
from naiad.service.endpoints.worker.script_handler import ScriptHandler


def test_an_artifact_uses_the_given_engine(artifact: Path):
    handler = load_handler(artifact, {}, "openvino", max_batch_size=3)
    assert isinstance(handler, ArtifactHandler)
    assert (handler.engine.name, handler.max_batch_size) == ("openvino", 3)
    (response,) = handler.handle([InferenceRequest(json.dumps([0] * 64).encode())])
    assert json.loads(response.body)["labels"] == ["dark"]


def test_a_script_has_a_handler_of_its_own(tmp_path: Path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text(
        "def model_fn(folder): return 1\ndef transform_fn(*_): return 'x'\n"
    )
    handler = load_handler(tmp_path, {})
    assert isinstance(handler, ScriptHandler)
    assert handler.handle([InferenceRequest(b"")])[0].body == b"x"


def test_an_executable_is_a_program_that_can_be_started(tmp_path: Path):
    (tmp_path / "serve").write_text("")
    (tmp_path / "serve").chmod(0o755)
    assert isinstance(load_handler(tmp_path, {}), Program)


def test_a_folder_without_a_script_needs_weights(tmp_path: Path):
    with pytest.raises(InferenceError, match="one weights file"):
        load_handler(tmp_path, {})
