"""Default functions of an inference script, for torch: load TorchScript or a state dict, parse numbers, write numbers."""

import inspect
import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from naiad.service.endpoints.worker.array_formats import (
    array_from_json,
    parse_csv_array,
    parse_json,
    parse_json_lines,
    parse_npy,
)
from naiad.service.endpoints.worker.inference import InferenceError
from naiad.service.endpoints.worker.media_types import parse_media_type
from naiad.service.endpoints.worker.module_loader import import_file

if TYPE_CHECKING:
    import torch

_NETWORK = "NAIAD_NETWORK"
_WEIGHTS = (".pt", ".pth", ".safetensors")
RESPONSE_TYPES = ("application/json", "text/csv", "application/x-npy")
"""The types that ``output_fn`` writes."""
_CONTENT_TYPES = "application/json, application/jsonlines, text/csv, application/x-npy"


def model_fn(model_folder: Path, environment: Mapping[str, str]) -> "torch.nn.Module":
    """Loads the only weights file: TorchScript, or a state dict for the only network in ``code``. Raises InferenceError 424."""
    import torch  # noqa: PLC0415  # reason: only models without a model_fn need it here

    files = sorted(path for path in model_folder.iterdir() if path.suffix in _WEIGHTS)
    if len(files) != 1:
        names = ", ".join(path.name for path in files) or "none"
        raise InferenceError(
            424,
            f"the model needs one weights file ({', '.join(_WEIGHTS)}), there are: {names}; "
            "or write model_fn in code/inference.py",
        )
    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = None if files[0].suffix == ".safetensors" else _load_torchscript(files[0], device)
    if network is None:
        state_dict = _load_state_dict(files[0])
        network = _make_network(model_folder / "code", environment)
        network.load_state_dict(state_dict)
    return network.to(device).eval()


def input_fn(body: str | bytes, content_type: str) -> "torch.Tensor":
    """Returns float32 from JSON, JSON Lines, CSV or npy. Raises InferenceError."""
    import torch  # noqa: PLC0415  # reason: as above

    name, _ = parse_media_type(content_type)
    data = body.encode() if isinstance(body, str) else body
    if name in ("application/json", ""):
        values = array_from_json(parse_json(data))
    elif name in ("application/jsonlines", "application/jsonl", "application/x-jsonlines"):
        values = array_from_json(parse_json_lines(data))
    elif name == "text/csv":
        values = parse_csv_array(data)
    elif name == "application/x-npy":
        values = parse_npy(data)
    else:
        message = f"the content type {name[:100]!r} is not supported; give {_CONTENT_TYPES}, or write input_fn"
        raise InferenceError(415, message)
    return torch.from_numpy(np.array(values, dtype=np.float32))


def predict_fn(data: Any, model: Any) -> Any:
    import torch  # noqa: PLC0415  # reason: as above

    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    with torch.inference_mode():
        return model(data.to(device))


def output_fn(prediction: Any, accept: str) -> tuple[bytes, str]:
    """Returns (body, content type). Raises InferenceError 406."""
    values = np.asarray(prediction.detach().cpu() if hasattr(prediction, "detach") else prediction)
    if accept == "application/json":
        return orjson.dumps(values.tolist()), accept
    if accept == "text/csv":
        rows = values.reshape(len(values), -1) if values.ndim else values.reshape(1, 1)
        return "".join(",".join(map(str, row)) + "\n" for row in rows.tolist()).encode(), accept
    if accept == "application/x-npy":
        file = io.BytesIO()
        np.save(file, values, allow_pickle=False)
        return file.getvalue(), accept
    raise InferenceError(
        406,
        f"Accept {accept[:100]!r} is not supported; give application/json, text/csv or application/x-npy, or write output_fn",
    )


def _load_torchscript(path: Path, device: str) -> "torch.nn.Module | None":
    """Returns None for a file that is not TorchScript."""
    import torch  # noqa: PLC0415  # reason: as above

    with warnings.catch_warnings(action="ignore"):  # torch.jit is deprecated; who has such a file cannot change that
        try:
            network: torch.nn.Module = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]  # reason: torch's
        except RuntimeError:
            return None
    return network


def _load_state_dict(path: Path) -> Mapping[str, Any]:
    import safetensors.torch  # noqa: PLC0415  # reason: as above
    import torch  # noqa: PLC0415  # reason: as above

    if path.suffix == ".safetensors":
        return safetensors.torch.load(path.read_bytes())
    try:
        state_dict = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        message = f"{path.name} is neither TorchScript nor weights that can be loaded safely: {str(error)[:200]}"
        raise InferenceError(424, message) from error
    if not isinstance(state_dict, Mapping):
        kind = type(state_dict).__name__
        message = f"{path.name} holds {kind}; save the state dict: torch.save(net.state_dict(), …)"
        raise InferenceError(424, message)
    weights: Mapping[str, Any] = state_dict.get("state_dict", state_dict)
    return weights


def _make_network(code: Path, environment: Mapping[str, str]) -> "torch.nn.Module":
    """Makes the network that NAIAD_NETWORK names (``file.py:Class``), else the only one. Raises InferenceError 424."""
    setting = environment.get(_NETWORK, "")
    file, _, class_name = setting.partition(":")
    paths = [code / file] if file else sorted(code.glob("*.py"))
    classes = {name: kind for path in paths for name, kind in _find_networks(path).items() if class_name in ("", name)}
    if len(classes) != 1:
        names = ", ".join(classes) or "none"
        raise InferenceError(
            424,
            "the weights need a network: one class in code/ whose constructor takes no arguments, "
            f"there are: {names}; or set {_NETWORK}",
        )
    network: torch.nn.Module = next(iter(classes.values()))()
    return network


def _find_networks(path: Path) -> dict[str, Any]:
    """Returns, by name, the networks that a file defines and that can be made without arguments."""
    import torch  # noqa: PLC0415  # reason: as above

    return {
        name: value
        for name, value in vars(import_file(path)).items()
        if inspect.isclass(value)
        and issubclass(value, torch.nn.Module)
        and value.__module__ == path.stem
        and _needs_no_arguments(value)
    }


def _needs_no_arguments(network_class: Any) -> bool:
    parameters = list(inspect.signature(network_class).parameters.values())
    return all(one.default is not one.empty or one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in parameters)
