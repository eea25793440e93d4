"""A module as a file that runs without its class: torch.export's program.pt2 and ONNX, each checked against the module itself.

Knows modules and tensors; knows nothing of artifacts. What cannot be exported is Refused with a reason, never an error:
the weights are saved all the same.
"""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from copy import deepcopy
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

CHECKED_BATCHES = (1, 2, 5)
"""Batch sizes that an export must get right."""
_RTOL, _ATOL = 1e-4, 1e-5
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Refused:
    """reason: one line for people."""

    reason: str


class ExportedModule(nn.Module):
    """An exported program as a module. It has one mode, that of inference: ``train()`` and ``eval()`` change nothing."""

    def __init__(self, exported: nn.Module) -> None:
        super().__init__()
        self.exported = exported
        self.training = False

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.exported(inputs)
        return outputs

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002, ARG002  # reason: torch's signature
        return self


def deployable(module: nn.Module) -> nn.Module | Refused:
    """A copy for inference on the CPU, in the plain memory layout."""
    try:
        copy = deepcopy(module)
    except Exception as error:  # noqa: BLE001  # reason: copying runs the user's code
        return Refused(f"the network cannot be copied: {_one_line(error)}")
    copy.to("cpu").to(memory_format=torch.contiguous_format)
    return copy.eval().requires_grad_(requires_grad=False)


def export_program(module: nn.Module, samples: Tensor) -> ExportedProgram | Refused:
    """``module`` (see ``deployable``) as a program for any batch of at least one. samples: (N, …), N ≥ 1."""
    try:
        with _quiet(), torch.no_grad():
            exported = torch.export.export(
                module, (_batch(samples, 2),), dynamic_shapes=({0: Dim("batch", min=1)},), strict=False
            )
    except Exception as error:  # noqa: BLE001  # reason: exporting runs the user's code
        return Refused(f"torch.export refuses the network: {_one_line(error)}")
    for node in exported.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths of this machine
    return exported


def program_bytes(exported: ExportedProgram, module: nn.Module, samples: Tensor) -> bytes | Refused:
    """program.pt2, read back and checked: it gives what ``module`` gives for batches of 1, 2 and 5."""
    try:
        file = io.BytesIO()
        with _quiet():
            torch.export.save(exported, file)
        loaded = load_program(io.BytesIO(file.getvalue()))
        reason = _difference(loaded, module, samples)
    except Exception as error:  # noqa: BLE001  # reason: exporting runs the user's code
        return Refused(f"torch.export cannot save the network: {_one_line(error)}")
    return Refused(f"the exported program {reason}") if reason else file.getvalue()


def onnx_bytes(exported: ExportedProgram, module: nn.Module, samples: Tensor) -> bytes | Refused:
    """model.onnx with input ``raw`` and output ``scores``; checked where onnxruntime is installed."""
    try:
        with _quiet():
            program = torch.onnx.export(
                exported,
                dynamo=True,
                verbose=False,
                external_data=False,
                input_names=["raw"],
                output_names=["scores"],
                dynamic_shapes=({0: "batch"},),
            )
            assert program is not None
            data: bytes = program.model_proto.SerializeToString()
            reason = _difference(_onnx_module(data), module, samples) if find_spec("onnxruntime") else None
    except Exception as error:  # noqa: BLE001  # reason: the converter raises whatever an operator makes it raise
        return Refused(f"the network cannot be converted to ONNX: {_one_line(error)}")
    return Refused(f"the ONNX model {reason}") if reason else data


def load_program(file: Path | io.BytesIO) -> ExportedModule:
    """Raises what torch raises when the file is of a torch that it cannot read."""
    with _quiet():
        return ExportedModule(torch.export.load(file).module())


class _OnnxModule(nn.Module):
    def __init__(self, session: Any) -> None:
        super().__init__()
        self.session = session

    def forward(self, raw: Tensor) -> Tensor:
        return torch.from_numpy(self.session.run(None, {"raw": raw.numpy()})[0])


def _onnx_module(data: bytes) -> nn.Module:
    import onnxruntime  # noqa: PLC0415  # reason: optional

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return _OnnxModule(onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"]))


@torch.inference_mode()
def _difference(exported: nn.Module, module: nn.Module, samples: Tensor) -> str | None:
    """What is wrong with it, as the end of a sentence; None when it agrees."""
    for size in CHECKED_BATCHES:
        raw = _batch(samples, size)
        expected = module(raw)
        try:
            found = exported(raw)
        except Exception as error:  # noqa: BLE001  # reason: a guard in the program may raise anything
            return f"does not run on a batch of {size}: {_one_line(error)}"
        if found.shape != expected.shape:
            return f"gives shape {tuple(found.shape)} for {tuple(expected.shape)} on a batch of {size}"
        if not torch.allclose(found, expected, rtol=_RTOL, atol=_ATOL, equal_nan=True):
            return f"differs by up to {float((found - expected).abs().max()):.2g} on a batch of {size}"
    return None


def _batch(samples: Tensor, size: int) -> Tensor:
    return samples[torch.arange(size) % len(samples)].contiguous()


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else "no reason given"
    return f"{type(error).__name__}: {text}"[:_LONGEST_REASON]


@contextmanager
def _quiet() -> Iterator[None]:
    """torch's exporters print, warn and log; what they have to say comes back as a reason."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
