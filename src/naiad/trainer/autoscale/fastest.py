"""Takes the fastest of some values of a choice that changes how fast a step is and not what it computes."""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Measurement, Reason

MARGIN = 0.03
"""How much faster another value must be to be taken: less is noise."""
ROUNDS, LEAST_ROUNDS = 5, 3
_SLOWEST = 2.0
"""Another value may take this much longer than the plan's own; the budget must have room for it."""


def fastest(plan: Plan, name: str, values: Sequence[Any], why: str, measuring: Measuring) -> Plan:
    """``values``: the plan's own first. The same plan where the budget has no room for it."""
    if len(values) < 2 or not measuring.affords_steps((ROUNDS + 1) * (1 + _SLOWEST * (len(values) - 1))):
        return plan
    with measuring.budget.spending():
        plans = [replace(plan, **{name: value}) for value in values]
        seconds = measuring.bench.race(plans, rounds=ROUNDS, within_s=measuring.budget.left_s)
    own = seconds[0]
    if len(own) < LEAST_ROUNDS:
        measuring.budget.postpone()
        return plan
    raced = {value: found for value, found in zip(values, seconds, strict=True) if len(found) >= LEAST_ROUNDS}
    medians = {value: statistics.median(found) for value, found in raced.items()}
    best = min(raced, key=lambda value: medians[value])
    taken = best if is_faster(raced[best], own) else values[0]
    measuring.step_s = medians[taken]
    tried = tuple(Measurement(str(value), _told(found)) for value, found in zip(values, seconds, strict=True))
    return plan.with_choice(name, taken, Reason(why, measurements=tried))


def is_faster(other: Sequence[float], own: Sequence[float]) -> bool:
    """Whether it was so round by round: by more than a margin, and by more than the width of the middle half of the rounds."""
    gains = [1 - after / before for before, after in zip(own, other, strict=False)]
    gain = statistics.median(gains)
    spread = 2 * statistics.median(abs(one - gain) for one in gains)
    return gain > max(MARGIN, spread)


def _told(seconds: Sequence[float]) -> str:
    if not seconds:
        return "not timed"
    more = "" if len(seconds) >= LEAST_ROUNDS else " or more: given up"
    return f"{statistics.median(seconds) * 1e3:.2f} ms a step{more}"
