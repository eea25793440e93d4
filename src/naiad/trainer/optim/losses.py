"""What a step minimises, a task at a time. Every loss is a mean over the samples it is given.

Shape legend: B batch, K classes.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from naiad.trainer.data.dataset import Task

Loss = Callable[[nn.Module, Tensor, Tensor | None], Tensor]
"""(network, network input (B, ...), targets (B,) or None) in, a scalar out."""


def loss_for(task: Task, *, label_smoothing: float = 0.0, weights_K: Tensor | None = None) -> Loss:
    """Regression targets must be standardised: the network learns in units of the training split's deviation.

    weights_K: what a sample of each class counts; None is alike.
    """

    def cross_entropy(net: nn.Module, inputs: Tensor, targets_B: Tensor | None) -> Tensor:
        logits_BK = net(inputs)
        assert targets_B is not None
        if weights_K is None:
            return F.cross_entropy(logits_BK, targets_B, label_smoothing=label_smoothing)
        losses_B = F.cross_entropy(logits_BK, targets_B, label_smoothing=label_smoothing, reduction="none")
        return (weights_K.to(losses_B.device)[targets_B] * losses_B).mean()

    def squared_error(net: nn.Module, inputs: Tensor, targets_B: Tensor | None) -> Tensor:
        assert targets_B is not None
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
    """(classes,): 0 has every sample count alike, 1 every class; over the samples of ``targets`` (N,) the mean is 1.

    A class that has no sample weighs 0.
    """
    counts = torch.bincount(targets, minlength=classes).float()
    weights = torch.where(counts > 0, counts.clamp_min(1) ** -strength, 0.0)
    return weights * counts.sum() / (weights * counts).sum()
