"""The fastest of some values of a choice that changes how fast a step is and not what it computes."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from naiad.trainer.autoscale.budget import BudgetError
from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan
from naiad.trainer.plan.reason import Measurement, Reason

MARGIN = 0.03
"""Gain of time from which on another value is chosen: less is noise."""
LEAST_ROUNDS = 3


@dataclass(frozen=True)
class Rounds:
    """How often the values are timed."""

    count: int = 5
    warm_up: int = 0
    """Steps at the beginning of each turn that are not timed."""
    slowest: float = 2.0
    """Time of a step of another value, at most, in units of the plan's own: the budget must have room for it."""

    def cost_steps(self, values: int) -> float:
        """Returns the time of all, with a step of each before the first round, in steps of the plan's own value."""
        return (self.count * (1 + self.warm_up) + 1) * (1 + self.slowest * (values - 1))


USUAL_ROUNDS = Rounds()


def choose_fastest(
    timed: TimedPlan,
    name: str,
    values: Sequence[Any],
    why: str,
    setup: MeasurementSetup,
    *,
    rounds: Rounds = USUAL_ROUNDS,
) -> TimedPlan:
    """Times the values, the plan's own first. Raises BudgetError where there is not enough time.

    Where the budget has no room for so many rounds, there are ``LEAST_ROUNDS``.
    """
    if len(values) < 2:
        return timed
    if not setup.budget.has_room_for(rounds.cost_steps(len(values)) * timed.step_s):
        rounds = replace(rounds, count=LEAST_ROUNDS)
    setup.budget.require(rounds.cost_steps(len(values)) * timed.step_s)
    with setup.budget.charge():
        plans = [replace(timed.plan, **{name: value}) for value in values]
        times = setup.probe.compare_steps(
            plans, rounds=rounds.count, warm_up=rounds.warm_up, within_s=setup.budget.left_s
        )
    own = times[0]
    if len(own) < LEAST_ROUNDS:
        raise BudgetError(is_final=False)
    seconds = {value: enough for value, enough in zip(values, times, strict=True) if len(enough) >= LEAST_ROUNDS}
    medians = {value: statistics.median(enough) for value, enough in seconds.items()}
    best = min(seconds, key=lambda value: medians[value])
    chosen = best if is_faster(seconds[best], own) else values[0]
    if medians[chosen] > medians[best]:
        why = f"{best} was not faster by more than {MARGIN:.0%} and the noise"
    measurements = tuple(
        Measurement(str(value), _format_times(all_)) for value, all_ in zip(values, times, strict=True)
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
