"""The files of an artifact that hold the program: their names, how they are written and read back.

    model.safetensors    the program's weights: features.*, net.*, head.*
    program.pt2          the whole program, exported; missing when torch.export refuses the network
    features.pt2, head.pt2   features and head, exported, for a network that is loaded as a module
    model.onnx           the whole program for other engines; missing when it cannot be converted
    samples.safetensors  ``raw`` samples and the program's ``scores`` for them
    network.py           the user's source, when there is one

Nothing is pickled by us. Knows programs and files; knows nothing of tasks or training.
"""

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from naiad import durable
from naiad.errors import NetworkError
from naiad.trainer.artifact.export import (
    ExportFailure,
    convert_to_onnx,
    export_program,
    inference_copy,
    serialize_program,
)
from naiad.trainer.artifact.program import Encoder, Program, to_scores
from naiad.trainer.nets import wrappers

WEIGHTS, PROGRAM, ONNX = "model.safetensors", "program.pt2", "model.onnx"
FEATURES, HEAD = "features.pt2", "head.pt2"
SAMPLES, SOURCE = "samples.safetensors", "network.py"
_TROUBLES_NAMED = 5


def write_files(
    folder: Path, program: Program, *, samples: Tensor | None, example: Tensor, source: str | None
) -> dict[str, str]:
    """Returns the names of the files that could not be written, each with the reason.

    example: (N, …) raw samples to export with, N ≥ 1.
    Raises NetworkError when the network's state cannot be saved, OSError when the disk fails.
    """
    durable.write_file(folder / WEIGHTS, safetensors.torch.save(_weights(program)))
    if source is not None:
        durable.write_file(folder / SOURCE, source.encode())
    copy = inference_copy(program)
    if samples is not None:
        scores = _scores(program if isinstance(copy, ExportFailure) else copy, samples)
        durable.write_file(
            folder / SAMPLES, safetensors.torch.save({"raw": samples.contiguous().clone(), "scores": scores})
        )
    if isinstance(copy, ExportFailure):
        return dict.fromkeys((PROGRAM, ONNX, FEATURES, HEAD), copy.reason)
    return {**_write_program(folder, copy, example), **_write_features_and_head(folder, copy, example)}


def read_parts(path: Path) -> dict[str, dict[str, Tensor]]:
    """The weights of ``features``, ``net`` and ``head``, by their names in that module."""
    tensors = safetensors.torch.load(path.read_bytes())
    return {
        part: {name.removeprefix(f"{part}."): tensors[name] for name in tensors if name.startswith(f"{part}.")}
        for part in ("features", "net", "head")
    }


def read_samples(path: Path) -> tuple[Tensor, Tensor]:
    """Raw samples, and the program's scores for them."""
    tensors = safetensors.torch.load(path.read_bytes())
    return tensors["raw"], tensors["scores"]


def load_weights_into(net: nn.Module, weights: Mapping[str, Tensor], *, as_encoder: bool) -> nn.Module:
    """Returns ``net`` with the weights, wrapped in an Encoder when ``as_encoder``. Raises NetworkError that says what differs."""
    module = Encoder(net) if as_encoder else net
    plain = check_fit(module, weights, name=type(net).__name__)
    module.load_state_dict({own: plain[name] for own, name in wrappers.plain_names(module).items()})
    return module


def check_fit(module: nn.Module, weights: Mapping[str, Tensor], *, name: str) -> dict[str, Tensor]:
    """Returns the weights by the module's names without wrappers. Raises NetworkError that says what differs.

    name: what the network is called in the message.
    """
    own_names = wrappers.plain_names(module)
    own = {own_names[key]: value for key, value in module.state_dict().items()}
    stored_names = wrappers.strip_wrapper_names(weights, own)
    plain = {stored_names[key]: value for key, value in weights.items()}
    troubles = [
        *(f"{key} is missing in the artifact" for key in sorted(own.keys() - plain.keys())),
        *(f"{key} is in the artifact only" for key in sorted(plain.keys() - own.keys())),
        *(
            f"{key} is {tuple(own[key].shape)}, in the artifact {tuple(plain[key].shape)}"
            for key in own
            if key in plain and not torch.nn.parameter.is_lazy(own[key]) and own[key].shape != plain[key].shape
        ),
    ]
    if troubles:
        unnamed = len(troubles) - _TROUBLES_NAMED
        more = f"; and {unnamed} more" if unnamed > 0 else ""
        raise NetworkError(
            f"{name} does not fit the artifact's weights: {'; '.join(troubles[:_TROUBLES_NAMED])}{more}",
            hint="give the network as it was when it was trained, with the same arguments",
        )
    return plain


def _weights(program: Program) -> dict[str, Tensor]:
    """Contiguous copies on the CPU, by the names without wrappers. Tied weights are written once for each name."""
    weights, plain_names = {}, wrappers.plain_names(program)
    for name, value in program.state_dict().items():
        if not isinstance(value, Tensor):
            raise NetworkError(
                f"the network keeps {name} ({type(value).__name__}) in its state, which is no tensor",
                hint="keep such state in a buffer: register_buffer(name, torch.tensor(...))",
            )
        weights[plain_names[name]] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
    return weights


def _scores(program: nn.Module, samples: Tensor) -> Tensor:
    with torch.inference_mode():
        scores: Tensor = program(samples)
    return to_scores(scores).cpu().contiguous()


def _write_program(folder: Path, program: Program, example: Tensor) -> dict[str, str]:
    exported = export_program(program, example)
    if isinstance(exported, ExportFailure):
        return dict.fromkeys((PROGRAM, ONNX), exported.reason)
    data = serialize_program(exported, program, example)
    if isinstance(data, ExportFailure):
        return dict.fromkeys((PROGRAM, ONNX), data.reason)
    return {
        **_write_unless_failed(folder / PROGRAM, data),
        **_write_unless_failed(folder / ONNX, convert_to_onnx(exported, program, example)),
    }


def _write_features_and_head(folder: Path, program: Program, example: Tensor) -> dict[str, str]:
    """Features and head are ours: they can be exported even where the network between them cannot."""
    with torch.no_grad():
        outputs = program.net(program.features(example))
    missing: dict[str, str] = {}
    for name, module, inputs in ((FEATURES, program.features, example), (HEAD, program.head, outputs)):
        exported = export_program(module, inputs)
        data = exported if isinstance(exported, ExportFailure) else serialize_program(exported, module, inputs)
        missing |= _write_unless_failed(folder / name, data)
    return missing


def _write_unless_failed(path: Path, data: bytes | ExportFailure) -> dict[str, str]:
    """Returns the file's name and the reason when there is nothing to write."""
    if isinstance(data, ExportFailure):
        return {path.name: data.reason}
    durable.write_file(path, data)
    return {}
