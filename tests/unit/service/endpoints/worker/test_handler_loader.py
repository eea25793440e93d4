import json
from pathlib import Path

from naiad.service.endpoints.worker.artifact_handler import ArtifactHandler
from naiad.service.endpoints.worker.handler_loader import open_handler
from naiad.service.endpoints.worker.inference import Invocation
from naiad.service.endpoints.worker.script_handler import ScriptHandler


def test_an_artifact_is_answered_by_the_engine_that_is_named(artifact: Path):
    handler = open_handler(artifact, {}, "openvino", most_samples=3)
    assert isinstance(handler, ArtifactHandler)
    assert (handler.engine.name, handler.most_samples) == ("openvino", 3)
    (answer,) = handler.answer([Invocation(json.dumps([0] * 64).encode())])
    assert json.loads(answer.body)["labels"] == ["dark"]


def test_a_script_is_answered_by_itself(tmp_path: Path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text(
        "def model_fn(folder): return 1\ndef transform_fn(*_): return 'x'\n"
    )
    handler = open_handler(tmp_path, {})
    assert isinstance(handler, ScriptHandler)
    assert handler.answer([Invocation(b"")])[0].body == b"x"
