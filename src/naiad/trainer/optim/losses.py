"""The loss function of each task. Every loss is a mean over the samples of its batch.

Shape legend: B batch, K classes.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from naiad.trainer.data.dataset import Task

LossFunction = Callable[[nn.Module, Tensor, Tensor | None], Tensor]
"""Takes the network, its input (B, ...) and targets (B,), (B, 2) with weights, or None; returns a scalar."""


def join_weights(targets_N: Tensor, weights_N: Tensor | None) -> Tensor:
    """Returns float32 (N, 2), the targets and the weights of the samples; without weights the targets as they are.

    The weights are scaled to a mean of 1, so that the learning rate need not change.
    """
    if weights_N is None:
        return targets_N
    return torch.stack([targets_N.float(), weights_N / weights_N.mean()], dim=1)


def split_weights(targets_B: Tensor) -> tuple[Tensor, Tensor | None]:
    """Returns what ``join_weights`` has joined."""
    return (targets_B[:, 0], targets_B[:, 1]) if targets_B.ndim == 2 else (targets_B, None)


def make_loss(
    task: Task,
    *,
    label_smoothing: float = 0.0,
    class_weights_K: Tensor | None = None,
    to_logits: Callable[[Tensor], Tensor] | None = None,
) -> LossFunction:
    """The loss function of ``task``. Regression targets must be standardised, as ``RegressionStrategy`` does.

    class_weights_K: weight of a sample of each class; None weighs all classes equally. to_logits: turns the outputs of a
    classifier's network into logits; None where they are logits.
    """

    def cross_entropy(net: nn.Module, inputs: Tensor, targets_B: Tensor | None) -> Tensor:
        assert targets_B is not None  # reason: only clustering has none
        outputs_BK, targets_B = _call(net, inputs, targets_B)
        logits_BK = outputs_BK if to_logits is None else to_logits(outputs_BK)
        targets_B, weights_B = split_weights(targets_B)
        targets_B = targets_B.long()
        if class_weights_K is None and weights_B is None:
            return F.cross_entropy(logits_BK, targets_B, label_smoothing=label_smoothing)
        losses_B = F.cross_entropy(logits_BK, targets_B, label_smoothing=label_smoothing, reduction="none")
        if class_weights_K is not None:
            losses_B = class_weights_K.to(losses_B.device)[targets_B] * losses_B
        return (losses_B if weights_B is None else weights_B * losses_B).mean()

    def squared_error(net: nn.Module, inputs: Tensor, targets_B: Tensor | None) -> Tensor:
        assert targets_B is not None  # reason: only clustering has none
        outputs_BK, targets_B = _call(net, inputs, targets_B)
        targets_B, weights_B = split_weights(targets_B)
        if weights_B is None:
            return F.mse_loss(outputs_BK.flatten(), targets_B)
        losses_B = F.mse_loss(outputs_BK.flatten(), targets_B, reduction="none")
        return (weights_B * losses_B).mean()

    def reconstruction(net: nn.Module, inputs: Tensor, _: Tensor | None) -> Tensor:
        return F.mse_loss(net(inputs), inputs)

    match task:
        case Task.CLASSIFICATION:
            return cross_entropy
        case Task.REGRESSION:
            return squared_error
        case Task.CLUSTERING:
            return reconstruction


def _call(net: nn.Module, inputs: Tensor, targets_B: Tensor) -> tuple[Tensor, Tensor]:
    """Returns outputs and their targets: of a network with members those of each member, so that each learns by itself."""
    member_outputs = getattr(net, "member_outputs", None)
    if member_outputs is None:
        return net(inputs), targets_B
    outputs_MBK = member_outputs(inputs)
    targets_MB = targets_B.expand(len(outputs_MBK), *targets_B.shape)
    return outputs_MBK.flatten(0, 1), targets_MB.flatten(0, 1)


def class_weights(targets: Tensor, classes: int, strength: float) -> Tensor:
    """Weights (classes,) with mean 1 over the samples of ``targets`` (N,). A class without samples weighs 0.

    strength: 0 weighs all samples equally, 1 all classes.
    """
    counts = torch.bincount(targets, minlength=classes).float()
    weights = torch.where(counts > 0, counts.clamp_min(1) ** -strength, 0.0)
    return weights * counts.sum() / (weights * counts).sum()
