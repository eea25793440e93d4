"""The file model.onnx: a graph of operators with its weights. Light to import: neither torch nor ONNX Runtime is needed.

Weights in other files are refused, since such a graph could name any file of the reader.
"""

from pathlib import Path
from typing import Any

from naiad.errors import ArtifactError

_LOCATION = b"location"
"""Key that every reference to another file has. A graph without these bytes has no such reference."""


def read_graph(path: Path) -> bytes:
    """Raises ArtifactError for a graph with weights in other files, OSError."""
    data = path.read_bytes()
    if _LOCATION in data and _has_external_data(data, path):
        raise ArtifactError(
            f"{path} keeps weights in other files, which are not read", hint="save the network as one file"
        )
    return data


def _has_external_data(data: bytes, path: Path) -> bool:
    import onnx  # noqa: PLC0415  # reason: slow, rarely needed

    try:
        return _names_file(onnx.load_model_from_string(data), onnx.TensorProto)
    except Exception as error:  # reason: protobuf raises what it likes
        raise ArtifactError(f"{path} is no ONNX model: {error}") from error


def _names_file(message: Any, tensor_type: type[Any]) -> bool:
    """Whether a tensor anywhere in a message of protobuf refers to another file."""
    if isinstance(message, tensor_type):
        return bool(message.external_data) or message.data_location == tensor_type.EXTERNAL
    parts = [value for field, value in message.ListFields() if field.message_type is not None]
    return any(
        _names_file(one, tensor_type) for part in parts for one in ([part] if hasattr(part, "ListFields") else part)
    )
