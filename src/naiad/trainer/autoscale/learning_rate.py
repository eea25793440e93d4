"""Learning rate: the usual one, unless a range test on this network and data speaks against it.

Range test: Smith, "Cyclical Learning Rates for Training Neural Networks", arXiv 1506.01186. The rate climbs step by step on a
copy; where the loss is lowest, the copy is about to lose it. A part of that rate is a good peak for a run as short as the test; a
longer one is given as much less as the rules would. The test is rough, so it overrules the usual rate only when the two are far
apart; equal seeds give equal tests.
"""

import math
import statistics
from collections.abc import Sequence

from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Measurement, Reason

STEPS = 60
LOW, HIGH = 1 / 100, 20
"""The range, in units of the usual rate."""
LOWER = 1 / 500
"""Where the range lies, in units of the first, when the loss is lost in the first without having fallen."""
PART = {"sgd": 1 / 4, "adamw": 1 / 4, "muon": 1 / 4}
"""Of the rate at which the loss is lowest."""
APART = 4.0
"""Factor from which the test overrules the usual rate."""
_SMOOTHING, _FIRST = 0.9, 8
_FALL, _NOISES = 0.05, 3
"""A loss has fallen when it is this part, and so many deviations of the noise at the beginning, under where it began."""
_EVERY = 10
"""Steps between the rates that the plan shows."""
_LOST = 1.5
"""Times the loss at the beginning."""


def choose(plan: Plan, measuring: Measuring) -> Plan:
    usual = plan.learning_rate * measuring.shorter_rate
    for centre in (usual, usual * LOWER):
        if not measuring.affords_steps(STEPS):
            return plan
        rates = [centre * LOW * (HIGH / LOW) ** (step / (STEPS - 1)) for step in range(STEPS)]
        with measuring.budget.spending():
            losses = measuring.bench.pilot(plan, rates).losses
        lowest = rate_of_lowest_loss(rates, losses)
        if lowest is not None:
            return _judged(plan, lowest / measuring.shorter_rate, shown(rates, losses), at=lowest)
        if not was_lost(losses, STEPS):
            return plan
    return plan


def _judged(plan: Plan, lowest: float, tried: tuple[Measurement, ...], *, at: float) -> Plan:
    """lowest: the rate ``at`` which the loss was, as much lower as the run is longer than the test."""
    usual, found = plan.learning_rate, lowest * PART[plan.optimizer]
    told = f"loss lowest at {at:.2g} in a range test of {STEPS} steps"
    if lowest < at:
        told += f"; a run of {plan.total_steps:,} has its peak {at / lowest:.2g} times lower"
    if 1 / APART <= found / usual <= APART:
        return plan.with_choice("learning_rate", usual, Reason("the usual peak, and a range test agrees", told, tried))
    why = f"a range test speaks against the usual {usual:g}"
    return plan.with_choice("learning_rate", _rounded(found), Reason(why, told, tried))


def rate_of_lowest_loss(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """Of the smoothed losses; None where they never fall clearly below where they began."""
    if len(losses) <= _FIRST:
        return None
    smoothed = _smoothed(losses)
    begun, noise = statistics.fmean(losses[:_FIRST]), statistics.stdev(losses[:_FIRST])
    lowest = min(range(_FIRST, len(smoothed)), key=lambda step: smoothed[step])
    fallen = begun - smoothed[lowest]
    smooth_noise = noise * ((1 - _SMOOTHING) / (1 + _SMOOTHING)) ** 0.5
    return rates[lowest] if fallen > max(_FALL * begun, _NOISES * smooth_noise) else None


def shown(rates: Sequence[float], losses: Sequence[float]) -> tuple[Measurement, ...]:
    """Some of the rates with the smoothed loss at each, the first and the last among them."""
    smoothed = _smoothed(losses)
    steps = range(len(losses) - 1, -1, -_EVERY)
    return tuple(Measurement(f"{rates[step]:.2g}", f"loss {smoothed[step]:.3g}") for step in sorted({0, *steps}))


def _smoothed(losses: Sequence[float]) -> list[float]:
    """A mean over the last steps, and not drawn to zero at the beginning."""
    smoothed, mean = [], 0.0
    for step, loss in enumerate(losses):
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        smoothed.append(mean / (1 - _SMOOTHING ** (step + 1)))
    return smoothed


def was_lost(losses: Sequence[float], steps: int) -> bool:
    """Whether a test ended before its time, or far above where it began."""
    return len(losses) < steps or losses[-1] > _LOST * losses[0]


def _rounded(rate: float) -> float:
    """Two digits: more would claim what was not measured."""
    digits = 1 - math.floor(math.log10(rate))
    return round(rate, digits)
