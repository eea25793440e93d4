"""A program that ONNX Runtime runs: model.onnx as a module. It runs operators of ONNX, no code of its author's."""

from importlib.util import find_spec
from typing import Any, Self

import torch
from torch import Tensor, nn

INPUT, OUTPUT = "raw", "scores"


def is_onnxruntime_installed() -> bool:
    return find_spec("onnxruntime") is not None


class OnnxProgram(nn.Module):
    """A graph as a module, on the CPU. It has only the mode for inference: ``train()`` and ``eval()`` change nothing.

    It can be pickled and copied.
    """

    def __init__(self, data: bytes, *, threads: int) -> None:
        """data: as ``read_graph`` returns it. Raises ONNX Runtime's own errors."""
        super().__init__()
        self._data, self._threads = data, threads
        self._session = _start_session(data, threads)
        self.training = False

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._data, self._threads)

    def forward(self, raw: Tensor) -> Tensor:
        (scores,) = self._session.run([OUTPUT], {INPUT: raw.cpu().numpy()})
        return torch.from_numpy(scores)

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002, ARG002  # reason: torch's signature
        return self


def _restore(data: bytes, threads: int) -> OnnxProgram:
    return OnnxProgram(data, threads=threads)


def _start_session(data: bytes, threads: int) -> Any:
    import onnxruntime  # noqa: PLC0415  # reason: optional

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # another process needs the core
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
