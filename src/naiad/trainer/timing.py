"""How many steps fit into a time limit, measured on a copy of the network."""

import statistics
import time
from copy import deepcopy
from dataclasses import replace

from torch import nn

from naiad.trainer.data.batches import Feed
from naiad.trainer.losses import Loss
from naiad.trainer.optimizers import make_optimizer
from naiad.trainer.plan import Plan, Reason
from naiad.trainer.step import Stepper

_WARM_UP, _COUNTED = 3, 10
_PART_FOR_STEPS = 0.85
"""The rest is for validation and checkpoints, and for a machine that slows down."""


def finishing_s(time_limit_s: float) -> float:
    """What is set aside for the test, the artifact and the report: a fifth, at most ten seconds."""
    return min(10.0, time_limit_s / 5)


def within_time(plan: Plan, step_s: float, *, left_s: float, steps_per_epoch: int) -> Plan:
    """The plan with as many steps as fit into ``left_s`` seconds, no more than it had when the user set the epochs."""
    fitting = max(1, int(left_s * _PART_FOR_STEPS / step_s))
    wished = dict(plan.reasons)["epochs"].text == "set by the user"
    steps = min(fitting, plan.total_steps) if wished else fitting
    reason = Reason(f"what fits into {left_s:.0f} s", f"{step_s * 1e3:.1f} ms a step")
    reasons = {**dict(plan.reasons), "total_steps": reason, "epochs": reason}
    return replace(plan, total_steps=steps, epochs=-(-steps // steps_per_epoch), reasons=tuple(reasons.items()))


def step_seconds(net: nn.Module, features: nn.Module, loss: Loss, feed: Feed, plan: Plan) -> float:
    """Median seconds of a step; the network and its random numbers stay as they were."""
    copy = deepcopy(net)
    copy.train()
    stepper = Stepper(copy, features, loss, make_optimizer(copy, plan), plan, plan.microbatch_size)
    seconds = []
    begun = time.perf_counter()
    for batch, _ in zip(feed.epoch(0), range(_WARM_UP + _COUNTED), strict=False):
        stepper.step(batch, 0.0)
        seconds.append(time.perf_counter() - begun)
        begun = time.perf_counter()
    return statistics.median(seconds[_WARM_UP:] or seconds)
