"""Learning rate: the usual one, unless a range test on this network and data speaks against it.

Range test: Smith, "Cyclical Learning Rates for Training Neural Networks", arXiv 1506.01186. The rate climbs step by step on a
copy; where the loss is lowest, the copy is about to lose it. A fraction of that rate is a good peak for a run as short as the
test; the peak of a longer run is lower, in the proportion in which the rules lower it. The test is rough, so it overrules the
usual rate only when the two are far apart. Equal seeds give equal tests.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace

from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Measurement, Reason

STEPS = 60
LOW, HIGH = 1 / 100, 20
"""The range, in units of the usual rate."""
LOWER = 1 / 500
"""The place of a second range, in units of the first: it is tried where the loss is lost without having fallen."""
PEAK_FRACTION = {"sgd": 1 / 4, "adamw": 1 / 4, "muon": 1 / 4}
"""The peak in units of the rate at which the loss is lowest."""
APART = 4.0
"""Factor from which on the test overrules the usual rate."""
_SMOOTHING, _FIRST = 0.9, 8
_FALL, _NOISES = 0.05, 3
"""A loss has fallen when it is this fraction, and so many deviations of the noise at the beginning, under where it began."""
_EVERY = 10
"""Steps between the rates that the plan shows."""
_LOST = 1.5
"""A loss is lost when it is so many times the loss at the beginning."""


def choose(timed: TimedPlan, setup: MeasurementSetup) -> TimedPlan:
    plan, usual = timed.plan, timed.plan.learning_rate * setup.short_run_rate
    for centre in (usual, usual * LOWER):
        setup.budget.require(STEPS * timed.step_s)
        rates = [centre * LOW * (HIGH / LOW) ** (step / (STEPS - 1)) for step in range(STEPS)]
        with setup.budget.charge():
            losses = setup.probe.run_with_rates(plan, rates).losses
        lowest = rate_of_lowest_loss(rates, losses)
        if lowest is not None:
            return replace(timed, plan=_with_peak(plan, lowest, setup.short_run_rate, sampled_losses(rates, losses)))
        if not is_lost(losses, STEPS):
            break
    return timed


def _with_peak(plan: Plan, lowest: float, short_run_rate: float, measurements: tuple[Measurement, ...]) -> Plan:
    """The plan with the peak that a range test says.

    lowest: the rate of the lowest loss. short_run_rate: the rules' rate for a run as short as the test, in units of the plan's.
    """
    usual, lowest_here = plan.learning_rate, lowest / short_run_rate
    tested = lowest_here * PEAK_FRACTION[plan.optimizer]
    measured = f"loss lowest at {lowest:.2g} in a range test of {STEPS} steps"
    if lowest_here < lowest:
        measured += f"; a run of {plan.total_steps:,} has its peak {lowest / lowest_here:.2g} times lower"
    if 1 / APART <= tested / usual <= APART:
        reason = Reason("the usual peak, and a range test agrees", measured, measurements)
        return plan.with_choice("learning_rate", usual, reason)
    reason = Reason(f"a range test speaks against the usual {usual:g}", measured, measurements)
    return plan.with_choice("learning_rate", _round(tested), reason)


def rate_of_lowest_loss(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The rate of the lowest smoothed loss; None where the losses never fall clearly below where they began."""
    if len(losses) <= _FIRST:
        return None
    smoothed = _smooth(losses)
    first, noise = statistics.fmean(losses[:_FIRST]), statistics.stdev(losses[:_FIRST])
    lowest = min(range(_FIRST, len(smoothed)), key=lambda step: smoothed[step])
    fall = first - smoothed[lowest]
    smooth_noise = noise * ((1 - _SMOOTHING) / (1 + _SMOOTHING)) ** 0.5
    return rates[lowest] if fall > max(_FALL * first, _NOISES * smooth_noise) else None


def sampled_losses(rates: Sequence[float], losses: Sequence[float]) -> tuple[Measurement, ...]:
    """Some of the rates with the smoothed loss at each, the first and the last among them."""
    smoothed = _smooth(losses)
    steps = range(len(losses) - 1, -1, -_EVERY)
    return tuple(Measurement(f"{rates[step]:.2g}", f"loss {smoothed[step]:.3g}") for step in sorted({0, *steps}))


def _smooth(losses: Sequence[float]) -> list[float]:
    """Exponential moving average, without a bias to zero at the beginning."""
    smoothed, mean = [], 0.0
    for step, loss in enumerate(losses):
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        smoothed.append(mean / (1 - _SMOOTHING ** (step + 1)))
    return smoothed


def is_lost(losses: Sequence[float], steps: int) -> bool:
    """Whether a test ended before its time, or far above where it began."""
    return len(losses) < steps or losses[-1] > _LOST * losses[0]


def _round(rate: float) -> float:
    """Rounds to two digits: more would claim what was not measured."""
    digits = 1 - math.floor(math.log10(rate))
    return round(rate, digits)
