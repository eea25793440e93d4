"""ONNX Runtime, which runs an artifact's model.onnx."""

from typing import Any

import numpy.typing as npt
import onnxruntime

from naiad.service.endpoints.worker.artifact import ONNX, ServedArtifact
from naiad.service.endpoints.worker.engines.port import Scores
from naiad.trainer.artifact.onnx_graph import read_graph

_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


class OnnxEngine:
    name = "onnxruntime"

    def __init__(self, artifact: ServedArtifact, *, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # another replica needs the core
        providers = [name for name in _PROVIDERS if name in onnxruntime.get_available_providers()]
        self._session = onnxruntime.InferenceSession(read_graph(artifact.path(ONNX)), options, providers=providers)

    def run(self, raw: npt.NDArray[Any]) -> Scores:
        scores: Scores = self._session.run(None, {"raw": raw})[0]
        return scores.reshape(len(raw), -1)
