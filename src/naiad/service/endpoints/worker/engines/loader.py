"""Engines of an artifact, and loading one by its name. A library is imported only when its engine is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from naiad.errors import ArtifactError
from naiad.service.endpoints.worker.artifact import ONNX, PROGRAM, ServedArtifact
from naiad.service.endpoints.worker.engines.port import Engine


@dataclass(frozen=True)
class _EngineEntry:
    library: str
    file: str
    """File of the artifact that the engine runs."""
    module: str
    class_name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of the constructor."""


_ENGINES = {
    "onnxruntime": _EngineEntry("onnxruntime", ONNX, "onnx", "OnnxEngine"),
    "openvino": _EngineEntry("openvino", ONNX, "openvino", "OpenvinoEngine", {"precision": "f32"}),
    "openvino-bf16": _EngineEntry("openvino", ONNX, "openvino", "OpenvinoEngine", {"precision": "bf16"}),
    "torch": _EngineEntry("torch", PROGRAM, "torch_program", "TorchEngine"),
}


def available_engines(artifact: ServedArtifact) -> list[str]:
    """Returns the names in the order in which ties are decided. Raises ArtifactError when there is none."""
    names = [
        name for name, entry in _ENGINES.items() if find_spec(entry.library) is not None and artifact.has(entry.file)
    ]
    if not names:
        missing = artifact.values.get("missing", {})
        raise ArtifactError(
            f"{artifact.folder} has no program that an engine could run: {missing.get(PROGRAM, 'it was saved without')}",
            hint="save the network again, or deploy it with a code/inference.py",
        )
    return names


def load_engine(name: str, artifact: ServedArtifact, threads: int = 1) -> Engine:
    """Raises what the engine's library raises."""
    entry = _ENGINES[name]
    module = import_module(f"naiad.service.endpoints.worker.engines.{entry.module}")
    engine: Engine = getattr(module, entry.class_name)(artifact, threads=threads, **entry.options)
    return engine
