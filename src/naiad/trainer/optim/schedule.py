"""Learning rate as a pure function of the step: a schedule has no state to save.

One-cycle: Smith and Topin, "Super-Convergence", arXiv 1708.07120, here with a linear climb and a linear fall to zero. Constant
with a decay at the end: Hägele et al., arXiv 2405.18392. Restarts: Loshchilov and Hutter, "SGDR", arXiv 1608.03983; each cycle
has the whole shape.
"""

import math

from naiad.trainer.plan.plan import Plan

DECAY_FRACTION = 0.2
"""Fraction of a cycle in which ``constant-decay`` falls to zero."""


def learning_rate_at(step: float, plan: Plan) -> float:
    """The learning rate at ``step`` of the schedule, counted from 0; between 0 and ``plan.learning_rate``."""
    if plan.schedule == "constant":
        return plan.learning_rate
    first, last = _cycle(step, plan)
    step, total_steps = step - first, last - first
    warmup_steps = max(1, round(plan.warmup_fraction * total_steps))
    if step < warmup_steps:
        return plan.learning_rate * (step + 1) / (warmup_steps + 1)
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return plan.learning_rate * max(0.0, _fall(plan.schedule, progress))


def _cycle(step: float, plan: Plan) -> tuple[int, int]:
    """Returns the first step of the cycle, and the one after its last."""
    bounds = [round(epoch / plan.epochs * plan.total_steps) for epoch in plan.restarts if epoch < plan.epochs]
    first = max((bound for bound in bounds if bound <= step), default=0)
    return first, min((bound for bound in bounds if bound > step), default=plan.total_steps)


def _fall(schedule: str, progress: float) -> float:
    """Returns the rate after the climb, in units of its peak. progress: fraction of the steps after the climb."""
    match schedule:
        case "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * progress))
        case "constant-decay":
            return min(1.0, (1.0 - progress) / DECAY_FRACTION)
    return 1.0 - progress
