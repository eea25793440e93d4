"""Turns a module into a file that runs without its class: torch.export's program.pt2, or ONNX. Both are compared with the module.

Knows modules and tensors; knows nothing of artifacts. An export that is not possible gives an ExportFailure and raises nothing:
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
from typing import Any, Self, TypeVar

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from naiad.trainer.nets.wrappers import remove_wrappers

M = TypeVar("M", bound=nn.Module)
CHECKED_BATCH_SIZES = (1, 2, 5)
"""Batch sizes that an export must get right."""
_RTOL, _ATOL = 1e-4, 1e-5
_LONGEST_REASON = 300


@dataclass(frozen=True)
class ExportFailure:
    """The result of an export that is not possible."""

    reason: str
    """One line for people."""


class ExportedModule(nn.Module):
    """An exported program as a module. It has only the mode for inference: ``train()`` and ``eval()`` change nothing.

    It can be pickled and copied; a copy is on the CPU.
    """

    def __init__(self, program: ExportedProgram) -> None:
        super().__init__()
        self.exported = program.module()
        self.training = False
        self._program = program  # its weights are those of the module

    def __reduce__(self) -> tuple[Any, ...]:
        file = io.BytesIO()
        with _silence_exporters():
            torch.export.save(self._program, file)
        return _load_bytes, (file.getvalue(),)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.exported(inputs)
        return outputs

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002, ARG002  # reason: torch's signature
        return self


def inference_copy(module: M) -> M | ExportFailure:
    """A copy of the module for inference on the CPU, in the plain memory layout and without wrappers."""
    try:
        copy = deepcopy(module)
    except Exception as error:  # noqa: BLE001  # reason: copying runs the user's code
        return ExportFailure(f"the network cannot be copied: {_one_line(error)}")
    remove_wrappers(copy)
    copy.to("cpu").to(memory_format=torch.contiguous_format)
    return copy.eval().requires_grad_(requires_grad=False)


def export_program(module: nn.Module, samples: Tensor) -> ExportedProgram | ExportFailure:
    """The module, a copy made by ``inference_copy``, as a program for batches of any size from 1 on. samples: (N, …), N ≥ 1."""
    try:
        with _silence_exporters(), torch.no_grad():
            exported = torch.export.export(
                module, (_batch(samples, 2),), dynamic_shapes=({0: Dim("batch", min=1)},), strict=False
            )
    except Exception as error:  # noqa: BLE001  # reason: exporting runs the user's code
        return ExportFailure(f"torch.export refuses the network: {_one_line(error)}")
    for node in exported.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths of this machine
    exported.example_inputs = None  # torch.export.save would pickle them
    return exported


def serialize_program(exported: ExportedProgram, module: nn.Module, samples: Tensor) -> bytes | ExportFailure:
    """The bytes of program.pt2. They are read back, and their scores compared with those of ``module``."""
    try:
        file = io.BytesIO()
        with _silence_exporters():
            torch.export.save(exported, file)
        loaded = load_program(io.BytesIO(file.getvalue()))
        reason = _describe_difference(loaded, module, samples)
    except Exception as error:  # noqa: BLE001  # reason: exporting runs the user's code
        return ExportFailure(f"torch.export cannot save the network: {_one_line(error)}")
    return ExportFailure(f"the exported program {reason}") if reason else file.getvalue()


def convert_to_onnx(exported: ExportedProgram, module: nn.Module, samples: Tensor) -> bytes | ExportFailure:
    """The bytes of model.onnx, with input ``raw`` and output ``scores``; checked where onnxruntime is installed."""
    try:
        with _silence_exporters():
            program = torch.onnx.export(
                exported,
                dynamo=True,
                verbose=False,
                external_data=False,
                input_names=["raw"],
                output_names=["scores"],
                dynamic_shapes=({0: "batch"},),
            )
            assert program is not None  # reason: torch returns None only for other arguments
            data: bytes = program.model_proto.SerializeToString()
            reason = _describe_difference(_onnx_module(data), module, samples) if find_spec("onnxruntime") else None
    except Exception as error:  # noqa: BLE001  # reason: the converter raises whatever an operator makes it raise
        return ExportFailure(f"the network cannot be converted to ONNX: {_one_line(error)}")
    return ExportFailure(f"the ONNX model {reason}") if reason else data


def load_program(file: Path | io.BytesIO) -> ExportedModule:
    """Reads a program.pt2, which is code: only of an author who is trusted. Raises torch's own errors.

    So it does where another version of torch wrote it that this one cannot read.
    """
    with _silence_exporters():
        exported = torch.export.load(file)
        exported.example_inputs = (
            (torch.empty(0),),
            {},
        )  # torch leaves the program's checks of its input out without any
        module = ExportedModule(exported)
    exported.example_inputs = None
    return module


def _load_bytes(data: bytes) -> ExportedModule:
    return load_program(io.BytesIO(data))


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
def _describe_difference(exported: nn.Module, module: nn.Module, samples: Tensor) -> str | None:
    """The end of a sentence that says how the outputs of the two modules differ; None when they agree."""
    for size in CHECKED_BATCH_SIZES:
        raw = _batch(samples, size)
        expected = module(raw)
        try:
            actual = exported(raw)
        except Exception as error:  # noqa: BLE001  # reason: a guard in the program may raise any error
            return f"does not run on a batch of {size}: {_one_line(error)}"
        if actual.shape != expected.shape:
            return f"gives shape {tuple(actual.shape)} for {tuple(expected.shape)} on a batch of {size}"
        offset = _offset(expected)
        if not torch.allclose(actual - offset, expected - offset, rtol=_RTOL, atol=_ATOL, equal_nan=True):
            return f"differs by up to {float((actual - expected).abs().max()):.2g} on a batch of {size}"
    return None


def _offset(scores: Tensor) -> Tensor:
    """Returns the mean of float64 scores, whose differences count and are small beside it; 0 of others."""
    return scores.nanmean() if scores.dtype is torch.float64 else torch.zeros((), dtype=scores.dtype)


def _batch(samples: Tensor, size: int) -> Tensor:
    return samples[torch.arange(size) % len(samples)].contiguous()


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else "no reason given"
    return f"{type(error).__name__}: {text}"[:_LONGEST_REASON]


@contextmanager
def _silence_exporters() -> Iterator[None]:
    """Suppresses what torch's exporters print, warn and log: a failure is returned as a reason."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
