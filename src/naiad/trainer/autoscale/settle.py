"""From a plan by rules to the plan that a run follows: what may be measured is, within its part of the run's time."""

import time
from dataclasses import dataclass

from naiad.trainer.autoscale import batch_size
from naiad.trainer.autoscale.bench import Bench
from naiad.trainer.autoscale.budget import Budget
from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.autoscale.remembered import Recalled, Remembered
from naiad.trainer.autoscale.tune import CHOICES, tune
from naiad.trainer.data.batches import steps_per_epoch
from naiad.trainer.plan import Plan, Reason
from naiad.trainer.timing import Aftermath, within_time

LEAST_STEPS = 600
"""A shorter run is over before measuring has paid for itself."""
GLANCED = range(100, 2_000)
"""Steps of a run with a time limit in which batches may be doubled without measuring the gradient's noise: of a shorter one
too few would be left, a longer one has the time to measure.
"""
LEARNT = (*CHOICES, "microbatch_size")
"""What measuring may change, and what is remembered of it."""


@dataclass(frozen=True)
class Settled:
    plan: Plan
    step_s: float | None
    """Seconds of a step; None where nothing was timed."""


def settle(
    plan: Plan,
    bench: Bench,
    *,
    pinned: frozenset[str],
    ends_at: float | None,
    aftermath: Aftermath,
    remembered: Remembered,
) -> Settled:
    """ends_at: when the time limit is over, on ``time.perf_counter``. pinned: choices that are not measured."""
    measured = plan.probe_part > 0
    if ends_at is None and not (measured and plan.total_steps >= LEAST_STEPS):
        return Settled(plan, None)
    recalled = remembered.recall(plan, LEARNT) if measured else Recalled(plan)
    if recalled.taken:
        plan = _with_steps(recalled.plan, len(bench.split))
    asks = measured and not recalled.answered | pinned >= frozenset(CHOICES)
    if ends_at is None and not asks:
        return Settled(plan, None)
    begun = time.perf_counter()
    measuring = Measuring(bench, Budget(0.0), bench.step_seconds(plan), pinned)
    before = plan = _fitted(plan, measuring, ends_at, aftermath)
    glances = ends_at is not None and plan.total_steps in GLANCED and not pinned & {"epochs", "batch_size"}
    if not recalled.answered and measured and glances:
        plan = _fitted(batch_size.glance(plan, measuring), measuring, ends_at, aftermath)
    if asks and plan.total_steps >= LEAST_STEPS:
        measuring.budget.limit_s = plan.probe_part * plan.total_steps * measuring.step_s
        measuring.budget.spent_s = time.perf_counter() - begun
        plan = tune(plan, measuring, known=recalled.answered)
        remembered.keep_choices(plan, _changed(before, plan), answered=measuring.answered)
    return Settled(_fitted(plan, measuring, ends_at, aftermath), measuring.step_s)


def _changed(before: Plan, after: Plan) -> list[str]:
    """What measuring has said something of."""
    old, new = dict(before.reasons), dict(after.reasons)
    return [name for name in LEARNT if new.get(name) != old.get(name)]


def _with_steps(plan: Plan, samples: int) -> Plan:
    steps = steps_per_epoch(samples, plan.batch_size)
    return plan.taking("total_steps", plan.epochs * steps, Reason(f"{plan.epochs} epochs of {steps} steps"))


def _fitted(plan: Plan, measuring: Measuring, ends_at: float | None, aftermath: Aftermath) -> Plan:
    if ends_at is None:
        return plan
    sample_s = measuring.step_s / plan.batch_size
    after_s = aftermath.closing_s(sample_s) + aftermath.finishing_s(sample_s)
    remaining_s = ends_at - time.perf_counter()
    left_s = max(remaining_s - after_s, remaining_s / 2)  # what comes after is a guess; steps are what the time is for
    per_epoch = steps_per_epoch(len(measuring.bench.split), plan.batch_size)
    return within_time(plan, measuring.step_s, left_s=left_s, steps_per_epoch=per_epoch)
