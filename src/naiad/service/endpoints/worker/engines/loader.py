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
    is_code: bool = False
    """Whether the file is code of whoever wrote the artifact."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of the constructor."""


_ENGINES = {
    "onnxruntime": _EngineEntry("onnxruntime", ONNX, "onnx", "OnnxEngine"),
    "openvino": _EngineEntry("openvino", ONNX, "openvino", "OpenvinoEngine", options={"precision": "f32"}),
    "openvino-bf16": _EngineEntry("openvino", ONNX, "openvino", "OpenvinoEngine", options={"precision": "bf16"}),
    "torch": _EngineEntry("torch", PROGRAM, "torch_program", "TorchEngine", is_code=True),
}


def available_engines(artifact: ServedArtifact) -> list[str]:
    """Returns the names in the order in which ties are decided. Raises ArtifactError when there is none."""
    installed = {name: one for name, one in _ENGINES.items() if find_spec(one.library) and artifact.has(one.file)}
    names = [name for name, entry in installed.items() if artifact.may_evaluate or not entry.is_code]
    if installed and not names:
        raise _not_trusted_error(artifact)
    if not names:
        missing = artifact.values.get("missing", {})
        raise ArtifactError(
            f"{artifact.folder} has no program that an engine could run: {missing.get(PROGRAM, 'it was saved without')}",
            hint="save the network again, or deploy it with a code/inference.py",
        )
    return names


def load_engine(name: str, artifact: ServedArtifact, threads: int = 1) -> Engine:
    """Raises ArtifactError for an engine that would run code of an artifact that is not trusted; what its library raises."""
    entry = _ENGINES[name]
    if entry.is_code and not artifact.may_evaluate:
        raise _not_trusted_error(artifact)
    module = import_module(f"naiad.service.endpoints.worker.engines.{entry.module}")
    engine: Engine = getattr(module, entry.class_name)(artifact, threads=threads, **entry.options)
    return engine


def _not_trusted_error(artifact: ServedArtifact) -> ArtifactError:
    return ArtifactError(
        f"{PROGRAM} of {artifact.folder} is code of whoever wrote it, this machine allows no walls around it, "
        f"and no engine is here that runs {ONNX}",
        hint="install onnxruntime; or deploy it with --trust, if you trust its author with the server's account",
    )
