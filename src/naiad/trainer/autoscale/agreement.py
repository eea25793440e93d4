"""Agreement of two plans: whether they compute the same loss and gradients of one batch, but for rounding."""

from dataclasses import dataclass

import torch

from naiad.trainer.autoscale.network_probe import NetworkProbe
from naiad.trainer.plan.plan import Plan

MAX_LOSS_DIFFERENCE, MIN_COSINE = 0.02, 0.98


@dataclass(frozen=True)
class Agreement:
    loss_difference: float
    """Relative difference of the losses."""
    cosine: float
    """Cosine of the angle between the gradients."""

    @property
    def is_close(self) -> bool:
        return self.loss_difference <= MAX_LOSS_DIFFERENCE and self.cosine >= MIN_COSINE

    def __str__(self) -> str:
        return f"loss differs by {self.loss_difference:.1e}, cosine of the gradients {self.cosine:.4f}"


def measure_agreement(probe: NetworkProbe, exact: Plan, other: Plan) -> Agreement:
    """A network that draws random numbers (dropout) draws the same for both plans."""
    (loss, gradient), (other_loss, other_gradient) = probe.gradient(exact), probe.gradient(other)
    difference = abs(other_loss - loss) / max(abs(loss), 1e-6)
    cosine = torch.nn.functional.cosine_similarity(gradient, other_gradient, dim=0)
    return Agreement(difference, float(cosine))
