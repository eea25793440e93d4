"""The fastest of some values of a choice that changes how fast a step is and not what it computes."""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from naiad.trainer.autoscale.budget import BudgetError
from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan
from naiad.trainer.plan.reason import Measurement, Reason

MARGIN = 0.03
"""Gain of time from which on another value is chosen: less is noise."""
ROUNDS, LEAST_ROUNDS = 5, 3
_SLOWEST = 2.0
"""Time of a step of another value, at most, in units of the plan's own: the budget must have room for it."""


def choose_fastest(timed: TimedPlan, name: str, values: Sequence[Any], why: str, setup: MeasurementSetup) -> TimedPlan:
    """Times the values, the plan's own first. Raises BudgetError where there is not enough time."""
    if len(values) < 2:
        return timed
    setup.budget.require((ROUNDS + 1) * (1 + _SLOWEST * (len(values) - 1)) * timed.step_s)
    with setup.budget.charge():
        plans = [replace(timed.plan, **{name: value}) for value in values]
        rounds = setup.probe.compare_steps(plans, rounds=ROUNDS, within_s=setup.budget.left_s)
    own = rounds[0]
    if len(own) < LEAST_ROUNDS:
        raise BudgetError(is_final=False)
    seconds = {value: times for value, times in zip(values, rounds, strict=True) if len(times) >= LEAST_ROUNDS}
    medians = {value: statistics.median(times) for value, times in seconds.items()}
    best = min(seconds, key=lambda value: medians[value])
    chosen = best if is_faster(seconds[best], own) else values[0]
    if medians[chosen] > medians[best]:
        why = f"{best} was not faster by more than {MARGIN:.0%} and the noise"
    measurements = tuple(
        Measurement(str(value), _format_times(times)) for value, times in zip(values, rounds, strict=True)
    )
    return TimedPlan(timed.plan.with_choice(name, chosen, Reason(why, measurements=measurements)), medians[chosen])


def is_faster(other: Sequence[float], own: Sequence[float]) -> bool:
    """Whether it was faster round by round: by more than a margin, and than the width of the middle half of the rounds."""
    gains = [1 - after / before for before, after in zip(own, other, strict=False)]
    gain = statistics.median(gains)
    spread = 2 * statistics.median(abs(one - gain) for one in gains)
    return gain > max(MARGIN, spread)


def _format_times(seconds: Sequence[float]) -> str:
    if not seconds:
        return "not timed"
    suffix = "" if len(seconds) >= LEAST_ROUNDS else " or more: given up"
    return f"{statistics.median(seconds) * 1e3:.2f} ms a step{suffix}"
