"""Takes the fastest of some values of a choice that changes how fast a step is and not what it computes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from naiad.trainer.autoscale.bench import STEPS, WARM_UP
from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.plan import Plan, Reason, Trial

MARGIN = 0.03
"""How much faster another value must be to be taken: less is noise."""
_SLOWEST = 2.0
"""Another value may take this much longer than the plan's own; the budget must have room for it."""


def fastest(plan: Plan, name: str, values: Sequence[Any], why: str, measuring: Measuring) -> Plan:
    """``values``: the plan's own first. The same plan where the budget has no room for it."""
    if len(values) < 2 or not measuring.affords_steps((STEPS + WARM_UP) * (1 + _SLOWEST * (len(values) - 1))):
        return plan
    with measuring.budget.spending():
        seconds = {value: measuring.bench.step_seconds(replace(plan, **{name: value})) for value in values}
    best = min(values, key=lambda value: seconds[value])
    taken = best if seconds[best] < (1 - MARGIN) * seconds[values[0]] else values[0]
    measuring.step_s = seconds[taken]
    tried = tuple(Trial(str(value), f"{seconds[value] * 1e3:.2f} ms a step") for value in values)
    return plan.taking(name, taken, Reason(why, tried=tried))
