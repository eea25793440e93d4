"""Which engines there are for an artifact, and one of them by its name. Their libraries are loaded when they are asked for."""

from importlib import import_module
from importlib.util import find_spec

from naiad.errors import ArtifactError
from naiad.service.endpoints.worker.artifact import ONNX, PROGRAM, ServedArtifact
from naiad.service.endpoints.worker.inference import Engine

_ENGINES = {
    # name: (library, file that it needs, module, class, what its constructor takes besides)
    "onnxruntime": ("onnxruntime", ONNX, "onnx", "OnnxEngine", {}),
    "openvino": ("openvino", ONNX, "openvino", "OpenvinoEngine", {"precision": "f32"}),
    "openvino-bf16": ("openvino", ONNX, "openvino", "OpenvinoEngine", {"precision": "bf16"}),
    "torch": ("torch", PROGRAM, "torch_program", "TorchEngine", {}),
}


def available_engines(artifact: ServedArtifact) -> list[str]:
    """In the order in which ties are decided. Raises ArtifactError when there is none."""
    names = [
        name for name, (library, file, *_) in _ENGINES.items() if find_spec(library) is not None and artifact.has(file)
    ]
    if not names:
        missing = artifact.values.get("missing", {})
        raise ArtifactError(
            f"{artifact.folder} has no program that an engine could run: {missing.get(PROGRAM, 'it was saved without')}",
            hint="save the network again, or deploy it with a code/inference.py",
        )
    return names


def open_engine(name: str, artifact: ServedArtifact, threads: int = 1) -> Engine:
    """Raises what its library raises."""
    _, _, module, kind, options = _ENGINES[name]
    loaded = import_module(f"naiad.service.endpoints.worker.engines.{module}")
    engine: Engine = getattr(loaded, kind)(artifact, threads=threads, **options)
    return engine
