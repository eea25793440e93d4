"""Tries a network in training mode with a backward pass, before the run: some fail, or give something else, only then.

The trial works on a copy. Where the network cannot be copied, it and the random numbers are put back as they were.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from naiad.errors import NetworkError
from naiad.trainer.machine.seeding import RandomState
from naiad.trainer.nets.copies import disposable_copy

_SCALINGS = ("Mul", "Add", "Sub", "Div", "Neg")
_VIEWS = (
    "View",
    "UnsafeView",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "Alias",
    "Clone",
    "ToCopy",
    "Transpose",
    "T",
    "Permute",
)
"""Operations that leave the values as they are, as autograd begins their names."""


@dataclass(frozen=True)
class TrainingTrial:
    """Result of a trial in training mode."""

    output: Tensor
    operation: str
    """The last operation that changed the values, as autograd names it: ``SoftmaxBackward0``."""
    eval_operation: str
    """The same in eval mode."""
    bounded_by: str
    """The operation that bounds the values, where nothing but numbers were added or multiplied since; else the last one."""
    unreached: tuple[str, ...]
    """Names of the parameters to learn that no gradient reached."""


def try_training(net: nn.Module, inputs: Tensor, *, shape: torch.Size) -> TrainingTrial | None:
    """Returns the trial's outcome; None where BatchNorm needs more samples than there are.

    shape: that of the network's output in eval mode. Raises NetworkError where the network cannot be trained.
    """
    random_state = RandomState.capture()
    try:
        with disposable_copy(net) as copy, torch.enable_grad():
            return _try(copy, inputs, shape)
    finally:
        random_state.restore()


def _try(net: nn.Module, inputs: Tensor, shape: torch.Size) -> TrainingTrial | None:
    name = type(net).__name__
    net.eval()
    eval_operation = _last_operation(net(inputs.clone()))
    net.train()
    net.zero_grad(set_to_none=True)
    try:
        output = net(inputs.clone())
    except ValueError as error:
        if is_batchnorm_size_error(error):
            return None
        raise _failed(name, "fails in training mode", error) from error
    except NetworkError:
        raise
    except Exception as error:
        raise _failed(name, "fails in training mode", error) from error
    _check_output(name, output, shape)
    operation, bounded_by = _last_operation(output), _last_operation(output, behind=_SCALINGS)
    try:
        output.sum().backward()
    except Exception as error:
        raise _failed(name, "has no gradients", error) from error
    learnable = [(key, parameter) for key, parameter in net.named_parameters() if parameter.requires_grad]
    unreached = tuple(key for key, parameter in learnable if parameter.grad is None)
    if len(unreached) == len(learnable):
        raise NetworkError(
            f"no gradient reaches the {len(learnable)} parameters of {name} that are to be learnt",
            hint=_NO_GRADIENT_HINT,
        )
    return TrainingTrial(output.detach(), operation, eval_operation, bounded_by, unreached)


def is_batchnorm_size_error(error: ValueError) -> bool:
    """Whether BatchNorm raised the error because it had a single value a channel."""
    return "more than 1 value per channel" in str(error)


_NO_GRADIENT_HINT = "look for torch.no_grad, detach() or .data in its forward"


def _check_output(name: str, output: object, shape: torch.Size) -> None:
    if not isinstance(output, Tensor):
        raise NetworkError(
            f"{name} gives a {type(output).__name__} in training mode, and one tensor otherwise",
            hint="return one tensor in both modes; auxiliary outputs cannot be learnt from",
        )
    if output.shape != shape:
        raise NetworkError(
            f"{name} gives shape {tuple(output.shape)} in training mode, and {tuple(shape)} otherwise",
            hint="return the same shape in both modes",
        )
    if not output.requires_grad:
        raise NetworkError(f"no gradient goes through the output of {name} in training mode", hint=_NO_GRADIENT_HINT)


def _last_operation(output: Tensor, *, behind: tuple[str, ...] = ()) -> str:
    """Returns the last operation of the graph that is no view; empty where there is none.

    behind: operations that are passed as views are, where they have one tensor and a number.
    """
    node: Any = output.grad_fn
    while node is not None:
        name = node.name().removesuffix("Backward0").removesuffix("Backward1")
        inputs = [before for before, _ in node.next_functions if before is not None]
        if name not in _VIEWS and not (name in behind and len(inputs) == 1):
            return str(node.name())
        node = inputs[0] if inputs else None
    return ""


def _failed(name: str, what: str, error: Exception) -> NetworkError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return NetworkError(
        f"{name} {what}: {reason}", hint="try net.train(), a forward and a backward pass on a small batch"
    )
