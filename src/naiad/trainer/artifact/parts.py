"""The files of an artifact that hold the program: what each is called, how it is written, how it is read back.

    model.safetensors    the program's weights: features.*, net.*, head.*
    program.pt2          the whole program, exported; absent when torch.export refuses the network
    features.pt2, head.pt2   the two ends of the program, exported, for a network that is loaded as a module
    model.onnx           the whole program for other engines; absent when it cannot be converted
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
from naiad.trainer.artifact.export import Refused, deployable, export_program, onnx_bytes, program_bytes
from naiad.trainer.artifact.program import Encode, Program

WEIGHTS, PROGRAM, ONNX = "model.safetensors", "program.pt2", "model.onnx"
FEATURES, HEAD = "features.pt2", "head.pt2"
SAMPLES, SOURCE = "samples.safetensors", "network.py"


def write_parts(
    folder: Path, program: Program, *, samples: Tensor | None, example: Tensor, source: str | None
) -> dict[str, str]:
    """Returns the files that are missing, each with the reason. example: (N, …) raw samples to export with, N ≥ 1.

    Raises NetworkError when the network's state cannot be saved, OSError when the disk fails.
    """
    durable.write_file(folder / WEIGHTS, safetensors.torch.save(_weights(program)))
    if source is not None:
        durable.write_file(folder / SOURCE, source.encode())
    copy = deployable(program)
    if samples is not None:
        scores = _scores(program if isinstance(copy, Refused) else copy, samples)
        durable.write_file(
            folder / SAMPLES, safetensors.torch.save({"raw": samples.contiguous().clone(), "scores": scores})
        )
    if isinstance(copy, Refused):
        return dict.fromkeys((PROGRAM, ONNX, FEATURES, HEAD), copy.reason)
    return {**_write_program(folder, copy, example), **_write_ends(folder, copy, example)}


def read_weights(path: Path, part: str) -> dict[str, Tensor]:
    """The weights of ``features``, ``net`` or ``head``, by their names in that module."""
    tensors = safetensors.torch.load(path.read_bytes())
    prefix = f"{part}."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def read_samples(path: Path) -> tuple[Tensor, Tensor]:
    """(raw samples, the program's scores for them)."""
    tensors = safetensors.torch.load(path.read_bytes())
    return tensors["raw"], tensors["scores"]


def fill_network(net: nn.Module, weights: Mapping[str, Tensor], *, encoder: bool) -> nn.Module:
    """``net`` with the weights, as the program's middle. Raises NetworkError that names what does not fit."""
    middle = Encode(net) if encoder else net
    own = middle.state_dict()
    trouble = [
        *(f"{name} is missing in the artifact" for name in sorted(own.keys() - weights.keys())),
        *(f"{name} is in the artifact only" for name in sorted(weights.keys() - own.keys())),
        *(
            f"{name} is {tuple(own[name].shape)}, in the artifact {tuple(weights[name].shape)}"
            for name in own
            if name in weights and not torch.nn.parameter.is_lazy(own[name]) and own[name].shape != weights[name].shape
        ),
    ]
    if trouble:
        more = f"; and {len(trouble) - 5} more" if len(trouble) > 5 else ""
        raise NetworkError(
            f"{type(net).__name__} does not fit the artifact's weights: {'; '.join(trouble[:5])}{more}",
            hint="give the network as it was when it was trained, with the same arguments",
        )
    middle.load_state_dict(weights)
    return middle


def _weights(program: Program) -> dict[str, Tensor]:
    """Contiguous copies on the CPU: tied weights are written once a name, so every reader finds them."""
    weights = {}
    for name, value in program.state_dict().items():
        if not isinstance(value, Tensor):
            raise NetworkError(
                f"the network keeps {name} ({type(value).__name__}) in its state, which is no tensor",
                hint="keep such state in a buffer: register_buffer(name, torch.tensor(...))",
            )
        weights[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
    return weights


def _scores(program: nn.Module, samples: Tensor) -> Tensor:
    with torch.inference_mode():
        scores: Tensor = program(samples)
    return scores.float().cpu().contiguous()


def _write_program(folder: Path, program: nn.Module, example: Tensor) -> dict[str, str]:
    exported = export_program(program, example)
    if isinstance(exported, Refused):
        return dict.fromkeys((PROGRAM, ONNX), exported.reason)
    saved = program_bytes(exported, program, example)
    if isinstance(saved, Refused):
        return dict.fromkeys((PROGRAM, ONNX), saved.reason)
    return {
        **_put(folder / PROGRAM, saved),
        **_put(folder / ONNX, onnx_bytes(exported, program, example)),
    }


def _write_ends(folder: Path, program: nn.Module, example: Tensor) -> dict[str, str]:
    """Features and head are ours, so they export where the network between them does not."""
    assert isinstance(program, Program)
    with torch.no_grad():
        outputs = program.net(program.features(example))
    missing: dict[str, str] = {}
    for name, module, inputs in ((FEATURES, program.features, example), (HEAD, program.head, outputs)):
        exported = export_program(module, inputs)
        data = exported if isinstance(exported, Refused) else program_bytes(exported, module, inputs)
        missing |= _put(folder / name, data)
    return missing


def _put(path: Path, data: bytes | Refused) -> dict[str, str]:
    """Says why, when there is nothing to put."""
    if isinstance(data, Refused):
        return {path.name: data.reason}
    durable.write_file(path, data)
    return {}
