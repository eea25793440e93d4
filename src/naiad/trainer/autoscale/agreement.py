"""Whether two plans compute the same, but for rounding: the loss and the gradients of one batch."""

from dataclasses import dataclass

import torch

from naiad.trainer.autoscale.bench import Bench
from naiad.trainer.plan.plan import Plan

MAX_LOSS_GAP, MIN_COSINE = 0.02, 0.98


@dataclass(frozen=True)
class Agreement:
    loss_gap: float
    """Relative difference of the losses."""
    cosine: float
    """Of the angle between the gradients."""

    @property
    def agrees(self) -> bool:
        return self.loss_gap <= MAX_LOSS_GAP and self.cosine >= MIN_COSINE

    def __str__(self) -> str:
        return f"loss differs by {self.loss_gap:.1e}, cosine of the gradients {self.cosine:.4f}"


def agreement(bench: Bench, exact: Plan, other: Plan) -> Agreement:
    """A network that draws random numbers (dropout) draws the same for both."""
    (loss, gradient), (other_loss, other_gradient) = bench.gradient(exact), bench.gradient(other)
    gap = abs(other_loss - loss) / max(abs(loss), 1e-6)
    cosine = torch.nn.functional.cosine_similarity(gradient, other_gradient, dim=0)
    return Agreement(gap, float(cosine))
