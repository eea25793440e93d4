"""Forecast: the score that a run is expected to reach, shown before it begins and compared with the outcome after it.

The forecast is what the same network reached on the same data the last time, when that is known. Else, under a time limit, two
short runs are made on copies, each with the whole schedule. The fall of the error from the first to the second is extended to the
length of the run, ever slower: errors fall as a power of the samples seen at first (Hestness et al., "Deep Learning Scaling is
Predictable, Empirically", arXiv 1712.00409) and level off later. It is rough.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from torch import nn

from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan
from naiad.trainer.nets.copies import CopyError
from naiad.trainer.optim.batchnorm import has_batchnorm_statistics, recompute_statistics
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Measurement, Reason

FRACTION = 1 / 60
"""Fraction of the run's steps that the two short runs take together."""
LEAST_STEPS = 8
"""Steps of the shorter of them."""
FALL = 0.5
"""Fraction of the fall between the short runs that goes on over each later doubling, in the mean."""
STEADIEST, STEEPEST = 0.05, 0.35
"""Limits of the power with which an error falls over a whole run."""
OUTCOME_POWER = 0.15
"""Power with which the error of a run of another length is scaled."""

_BATCHNORM_BATCHES = 8
"""Batches from which a short run's BatchNorm statistics are recomputed: its own are of its first weights."""

ScoreFunction = Callable[[nn.Module], float | None]
"""The accuracy or R² of a network on the validation split; None where neither exists."""


def main_score(scores: Mapping[str, float]) -> float | None:
    """The accuracy or R² among a validation's scores; 1 is the best of either."""
    return next((scores[name] for name in ("accuracy", "r2") if name in scores), None)


def from_outcomes(plan: Plan, outcomes: Sequence[tuple[int, float]]) -> Plan:
    """The plan with a forecast from the steps and scores of earlier runs; the same plan where there were none."""
    if not outcomes:
        return plan
    steps, score = min(outcomes, key=lambda outcome: abs(math.log(outcome[0] / plan.total_steps)))
    expected = 1 - (1 - score) * (plan.total_steps / steps) ** -OUTCOME_POWER
    reason = Reason("on the validation split, from an earlier run", f"{score:.3f} after {steps:,} steps")
    return plan.with_choice("forecast", _round(expected), reason)


def from_short_runs(timed: TimedPlan, setup: MeasurementSetup, score: ScoreFunction) -> Plan:
    """The plan with a forecast from two short runs, or with the reason why there is none."""
    steps = _shorter_steps(timed.plan)
    if is_too_short(timed.plan) or not setup.budget.has_room_for(3 * steps * timed.step_s):
        return _without(timed.plan, "the run is too short to measure one")
    try:
        with setup.budget.charge():
            return _measure(timed.plan, setup, score)
    except CopyError as error:
        return _without(timed.plan, str(error))


def is_too_short(plan: Plan) -> bool:
    return _shorter_steps(plan) < LEAST_STEPS


def extend_error(first: float, second: float, *, doublings: float) -> float:
    """The error after so many more doublings of the steps, from the errors of one run and of another twice as long."""
    power = FALL * math.log2(max(first, 1e-6) / max(second, 1e-6))
    return second * 2 ** (-doublings * min(STEEPEST, max(STEADIEST, power)))


def _shorter_steps(plan: Plan) -> int:
    """Steps of the shorter of the two short runs; the other has twice as many."""
    return int(plan.total_steps * FRACTION / 3)


def _measure(plan: Plan, setup: MeasurementSetup, score: ScoreFunction) -> Plan:
    steps = _shorter_steps(plan)
    scores = {}
    for count in (steps, 2 * steps):
        net = setup.probe.short_run(plan, count).net
        if has_batchnorm_statistics(net):
            recompute_statistics(net, setup.probe.inputs(plan, _BATCHNORM_BATCHES))
        scores[count] = score(net)
    first, second = scores.values()
    if first is None or second is None:
        return plan
    expected = 1 - extend_error(1 - first, 1 - second, doublings=math.log2(plan.total_steps / (2 * steps)))
    measurements = tuple(
        Measurement(f"{count} steps", f"{value:.3f}") for count, value in scores.items() if value is not None
    )
    reason = Reason("on the validation split, from two short runs", measurements=measurements)
    return plan.with_choice("forecast", _round(expected), reason)


def _without(plan: Plan, why: str) -> Plan:
    return plan.with_choice("forecast", None, Reason(f"none: {why}"))


def _round(score: float) -> float:
    """Rounds within the limits of an accuracy, or of an R²: a run that is expected to learn nothing has 0."""
    return round(min(1.0, max(0.0, score)), 4)
