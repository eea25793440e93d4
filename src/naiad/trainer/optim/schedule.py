"""Learning rate as a pure function of the step: a schedule has no state to save.

One-cycle: Smith and Topin, "Super-Convergence", arXiv 1708.07120, here with a linear climb and a linear fall to zero.
"""

import math

from naiad.trainer.plan.plan import Plan


def learning_rate_at(step: float, plan: Plan) -> float:
    """The learning rate at ``step`` of the schedule, counted from 0; between 0 and ``plan.learning_rate``."""
    warmup_steps = max(1, round(plan.warmup_fraction * plan.total_steps))
    if plan.schedule == "constant":
        return plan.learning_rate
    if step < warmup_steps:
        return plan.learning_rate * (step + 1) / (warmup_steps + 1)
    progress = (step - warmup_steps) / max(1, plan.total_steps - warmup_steps)
    fall = 1.0 - progress if plan.schedule == "one-cycle" else 0.5 * (1.0 + math.cos(math.pi * progress))
    return plan.learning_rate * max(0.0, fall)
