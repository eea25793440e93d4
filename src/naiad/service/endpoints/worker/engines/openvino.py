"""OpenVINO, which runs an artifact's model.onnx in float32 or in bf16."""

from typing import Any

import numpy.typing as npt
import openvino

from naiad.service.endpoints.worker.artifact import ONNX, ServedArtifact
from naiad.service.endpoints.worker.engines.port import Scores
from naiad.trainer.artifact.onnx_graph import read_graph


class OpenvinoEngine:
    """A single sample has a compiled model of its own, which is faster than the one for any batch size."""

    def __init__(self, artifact: ServedArtifact, *, threads: int = 1, precision: str = "f32") -> None:
        self.name = "openvino" if precision == "f32" else f"openvino-{precision}"
        self._settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": precision,
            "ENABLE_CPU_PINNING": False,
        }
        read_graph(artifact.path(ONNX))  # refuses what would have other files read
        self._core = openvino.Core()
        self._model = self._core.read_model(artifact.path(ONNX))
        self._any_size_request = self._compile(None)
        self._single_request = self._compile(1)

    def run(self, raw: npt.NDArray[Any]) -> Scores:
        request = self._single_request if len(raw) == 1 else self._any_size_request
        scores: Scores = request.infer({0: raw}, share_inputs=True)[0]
        return scores.reshape(len(raw), -1)

    def _compile(self, batch_size: int | None) -> Any:
        """Returns an inference request. batch_size: None allows any."""
        model = self._model.clone()
        if batch_size is not None:
            shape = model.input(0).get_partial_shape()
            shape[0] = batch_size
            model.reshape(shape)
        return self._core.compile_model(model, "CPU", self._settings).create_infer_request()
