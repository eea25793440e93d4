"""The loss function of each task. Every loss is a mean over the samples of its batch.

Shape legend: B batch, K classes.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from naiad.trainer.data.dataset import Task

LossFunction = Callable[[nn.Module, Tensor, Tensor | None], Tensor]
"""Takes the network, its input (B, ...) and targets (B,) or None; returns a scalar."""


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
        outputs_BK = net(inputs)
        logits_BK = outputs_BK if to_logits is None else to_logits(outputs_BK)
        assert targets_B is not None  # reason: only clustering has none
        if class_weights_K is None:
            return F.cross_entropy(logits_BK, targets_B, label_smoothing=label_smoothing)
        losses_B = F.cross_entropy(logits_BK, targets_B, label_smoothing=label_smoothing, reduction="none")
        return (class_weights_K.to(losses_B.device)[targets_B] * losses_B).mean()

    def squared_error(net: nn.Module, inputs: Tensor, targets_B: Tensor | None) -> Tensor:
        assert targets_B is not None  # reason: only clustering has none
        return F.mse_loss(net(inputs).flatten(), targets_B)

    def reconstruction(net: nn.Module, inputs: Tensor, _: Tensor | None) -> Tensor:
        return F.mse_loss(net(inputs), inputs)

    match task:
        case Task.CLASSIFICATION:
            return cross_entropy
        case Task.REGRESSION:
            return squared_error
        case Task.CLUSTERING:
            return reconstruction


def class_weights(targets: Tensor, classes: int, strength: float) -> Tensor:
    """Weights (classes,) with mean 1 over the samples of ``targets`` (N,). A class without samples weighs 0.

    strength: 0 weighs all samples equally, 1 all classes.
    """
    counts = torch.bincount(targets, minlength=classes).float()
    weights = torch.where(counts > 0, counts.clamp_min(1) ** -strength, 0.0)
    return weights * counts.sum() / (weights * counts).sum()
