"""A program that ONNX Runtime runs: model.onnx as a module. It runs operators of ONNX, no code of its author's.

Weights in other files are refused, since such a graph could name any file of the reader. Knows graphs and tensors.
"""

from importlib.util import find_spec
from typing import Any, Self

import torch
from torch import Tensor, nn

INPUT, OUTPUT = "raw", "scores"
_LOCATION = b"location"
"""Key that every reference to another file has. A graph without these bytes has no such reference."""


def is_onnxruntime_installed() -> bool:
    return find_spec("onnxruntime") is not None


class OnnxProgram(nn.Module):
    """A graph as a module, on the CPU. It has only the mode for inference: ``train()`` and ``eval()`` change nothing.

    It can be pickled and copied.
    """

    def __init__(self, data: bytes, *, threads: int) -> None:
        """data: the bytes of model.onnx. Raises ValueError for weights in other files, and ONNX Runtime's own errors."""
        super().__init__()
        if _LOCATION in data and _has_external_data(data):
            raise ValueError("it keeps weights in other files, which are not read")
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
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _has_external_data(data: bytes) -> bool:
    import onnx  # noqa: PLC0415  # reason: slow, rarely needed

    return _names_file(onnx.load_model_from_string(data), onnx.TensorProto)


def _names_file(message: Any, tensor_type: type[Any]) -> bool:
    """Whether a tensor anywhere in a message of protobuf refers to another file."""
    if isinstance(message, tensor_type):
        return bool(message.external_data) or message.data_location == tensor_type.EXTERNAL
    parts = [value for field, value in message.ListFields() if field.message_type is not None]
    return any(
        _names_file(one, tensor_type) for part in parts for one in ([part] if hasattr(part, "ListFields") else part)
    )
