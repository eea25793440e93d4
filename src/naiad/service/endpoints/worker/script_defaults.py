"""What an inference script may leave out, for torch: load TorchScript or a state dict, read numbers, write numbers."""

import importlib.util
import inspect
import io
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from naiad.service.endpoints.worker.array_formats import array_of, csv_array, json_lines, json_value, npy_array
from naiad.service.endpoints.worker.inference import Unfit
from naiad.service.endpoints.worker.media_types import media_type

if TYPE_CHECKING:
    import torch

_NETWORK = "NAIAD_NETWORK"
_WEIGHTS = (".pt", ".pth", ".safetensors")
_READ = "application/json, application/jsonlines, text/csv, application/x-npy"


def model_fn(model_folder: Path, environment: Mapping[str, str]) -> "torch.nn.Module":
    """The only weights file of the folder: TorchScript, or a state dict for the only network in ``code``. Raises Unfit 424."""
    import torch  # noqa: PLC0415  # reason: only models without a model_fn need it here

    files = sorted(path for path in model_folder.iterdir() if path.suffix in _WEIGHTS)
    if len(files) != 1:
        names = ", ".join(path.name for path in files) or "none"
        raise Unfit(
            424,
            f"one weights file ({', '.join(_WEIGHTS)}) is wanted, there are: {names}; or write model_fn in code/inference.py",
        )
    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = None if files[0].suffix == ".safetensors" else _scripted(files[0], device)
    if network is None:
        state = _state(files[0])
        network = _network(model_folder / "code", environment)
        network.load_state_dict(state)
    return network.to(device).eval()


def input_fn(body: str | bytes, content_type: str) -> "torch.Tensor":
    """float32, from JSON, JSON Lines, CSV or npy. Raises Unfit."""
    import torch  # noqa: PLC0415  # reason: as above

    name, _ = media_type(content_type)
    data = body.encode() if isinstance(body, str) else body
    if name in ("application/json", ""):
        values = array_of(json_value(data))
    elif name in ("application/jsonlines", "application/jsonl", "application/x-jsonlines"):
        values = array_of(json_lines(data))
    elif name == "text/csv":
        values = csv_array(data)
    elif name == "application/x-npy":
        values = npy_array(data)
    else:
        raise Unfit(415, f"the content type {name[:100]!r} is not read; give {_READ}, or write input_fn")
    return torch.from_numpy(np.array(values, dtype=np.float32))


def predict_fn(data: Any, model: Any) -> Any:
    import torch  # noqa: PLC0415  # reason: as above

    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    with torch.inference_mode():
        return model(data.to(device))


def output_fn(prediction: Any, accept: str) -> tuple[bytes, str]:
    """Raises Unfit 406."""
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
    raise Unfit(
        406,
        f"{accept[:100]!r} cannot be given; there are application/json, text/csv and application/x-npy, or write output_fn",
    )


def _scripted(path: Path, device: str) -> "torch.nn.Module | None":
    """None for a file that is no TorchScript."""
    import torch  # noqa: PLC0415  # reason: as above

    with warnings.catch_warnings(action="ignore"):  # that torch.jit is deprecated helps nobody who has such a file
        try:
            scripted: torch.nn.Module = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]  # reason: torch's
        except RuntimeError:
            return None
    return scripted


def _state(path: Path) -> Mapping[str, Any]:
    import safetensors.torch  # noqa: PLC0415  # reason: as above
    import torch  # noqa: PLC0415  # reason: as above

    if path.suffix == ".safetensors":
        return safetensors.torch.load(path.read_bytes())
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise Unfit(
            424, f"{path.name} is neither TorchScript nor weights that can be read safely: {str(error)[:200]}"
        ) from error
    if not isinstance(state, Mapping):
        raise Unfit(
            424, f"{path.name} holds {type(state).__name__}; save the state dict: torch.save(net.state_dict(), …)"
        )
    weights: Mapping[str, Any] = state.get("state_dict", state)
    return weights


def _network(code: Path, environment: Mapping[str, str]) -> "torch.nn.Module":
    """As NAIAD_NETWORK says (``file.py:Class``), else the only one in ``code``. Raises Unfit 424."""
    word = environment.get(_NETWORK, "")
    file, _, wanted = word.partition(":")
    paths = [code / file] if file else sorted(code.glob("*.py"))
    found = {name: kind for path in paths for name, kind in _classes(path).items() if wanted in ("", name)}
    if len(found) != 1:
        names = ", ".join(found) or "none"
        raise Unfit(
            424,
            "the weights want a network: one class in code/ that can be made without arguments, "
            f"there are: {names}; or set {_NETWORK}",
        )
    network: torch.nn.Module = next(iter(found.values()))()
    return network


def _classes(path: Path) -> dict[str, Any]:
    import torch  # noqa: PLC0415  # reason: as above

    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {
        name: kind
        for name, kind in vars(module).items()
        if inspect.isclass(kind)
        and issubclass(kind, torch.nn.Module)
        and kind.__module__ == path.stem
        and _is_made_alone(kind)
    }


def _is_made_alone(kind: Any) -> bool:
    parameters = list(inspect.signature(kind).parameters.values())
    return all(one.default is not one.empty or one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in parameters)
