"""Forecast: the score that a run is expected to reach, told before it begins and compared with the outcome after it.

What the same network reached on the same data the last time, when that is remembered. Else, under a time limit, two short runs on
copies, each with the whole schedule; how the error fell from the first to the second is carried on to the run's length, ever
slower: errors fall as a power of the samples seen at first (Hestness et al., "Deep Learning Scaling is Predictable, Empirically",
arXiv 1712.00409) and come to rest later. It is rough.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from torch import nn

from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.nets.copies import CopyError
from naiad.trainer.optim.batchnorm import has_batchnorm_statistics, recompute_statistics
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Measurement, Reason

PART = 1 / 60
"""Of the run's steps, in the two short runs together."""
LEAST_STEPS = 8
"""In the shorter of them."""
FALL = 0.5
"""How much of the fall between the short runs goes on over each later doubling, in the mean."""
STEADIEST, STEEPEST = 0.05, 0.35
"""Between these lies the power with which an error falls over a whole run."""
OUTCOME_POWER = 0.15
"""With which the error of a run of another length is scaled."""

_NORMALISING = 8
"""Batches that a short run's BatchNorm statistics are computed from anew: its own are of its first weights."""

Score = Callable[[nn.Module], float | None]
"""Of a network, on the validation split: the accuracy or R²; None where neither exists."""


def score_of(scores: Mapping[str, float]) -> float | None:
    """The accuracy or R² among a validation's scores; 1 is the best of either."""
    return next((scores[name] for name in ("accuracy", "r2") if name in scores), None)


def made(plan: Plan, measuring: Measuring | None, score: Score, *, outcomes: Sequence[tuple[int, float]]) -> Plan:
    """The plan with its forecast, where there is one. outcomes: steps and score of remembered runs."""
    if outcomes:
        return _from_outcomes(plan, outcomes)
    if plan.time_limit_s is None or measuring is None:
        return plan
    if is_too_short(plan) or not measuring.affords_steps(3 * _shorter(plan)):
        return _without(plan, "the run is too short to measure one")
    try:
        with measuring.budget.spending():
            return _measured(plan, measuring, score)
    except CopyError as error:
        return _without(plan, str(error))


def is_too_short(plan: Plan) -> bool:
    return _shorter(plan) < LEAST_STEPS


def _shorter(plan: Plan) -> int:
    """Steps of the shorter of the two short runs; the other has twice as many."""
    return int(plan.total_steps * PART / 3)


def _measured(plan: Plan, measuring: Measuring, score: Score) -> Plan:
    steps = _shorter(plan)
    scores = {}
    for count in (steps, 2 * steps):
        net = measuring.bench.pilot(plan, count).net
        if has_batchnorm_statistics(net):
            recompute_statistics(net, measuring.bench.inputs(plan, _NORMALISING))
        scores[count] = score(net)
    first, second = scores.values()
    if first is None or second is None:
        return plan
    expected = 1 - carried_on(1 - first, 1 - second, doublings=math.log2(plan.total_steps / (2 * steps)))
    tried = tuple(Measurement(f"{count} steps", f"{found:.3f}") for count, found in scores.items() if found is not None)
    return plan.with_choice(
        "forecast", _rounded(expected), Reason("on the validation split, from two short runs", measurements=tried)
    )


def _without(plan: Plan, why: str) -> Plan:
    return plan.with_choice("forecast", None, Reason(f"none: {why}"))


def carried_on(first: float, second: float, *, doublings: float) -> float:
    """The error after so many more doublings of the steps, from the errors of one run and of another twice as long."""
    power = FALL * math.log2(max(first, 1e-6) / max(second, 1e-6))
    return second * 2 ** (-doublings * min(STEEPEST, max(STEADIEST, power)))


def _from_outcomes(plan: Plan, outcomes: Sequence[tuple[int, float]]) -> Plan:
    steps, score = min(outcomes, key=lambda outcome: abs(math.log(outcome[0] / plan.total_steps)))
    expected = 1 - (1 - score) * (plan.total_steps / steps) ** -OUTCOME_POWER
    reason = Reason("on the validation split; remembered", f"{score:.3f} after {steps:,} steps")
    return plan.with_choice("forecast", _rounded(expected), reason)


def _rounded(score: float) -> float:
    """Within what an accuracy can be, and what an R² is above the mean's: a run that is expected to learn nothing has 0."""
    return round(min(1.0, max(0.0, score)), 4)
