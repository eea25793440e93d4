"""Batch size: the one that needs the least time for the same progress, under the memory that is free.

The time of a sample falls with the batch until the machine is full; the progress a sample falls as the batch nears the gradient's
noise scale. Both are measured, and their product chooses. A run that is too short for that has the time measured for twice the
batch, and a usual noise scale assumed.
"""

from collections.abc import Mapping
from dataclasses import replace

from naiad.trainer.autoscale import microbatch_size
from naiad.trainer.autoscale.bench import STEPS, WARM_UP
from naiad.trainer.autoscale.gradient_noise import efficiency, noise_scale
from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.data.batches import steps_per_epoch
from naiad.trainer.optim.optimizers import scale_learning_rate
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Measurement, Reason

FACTORS = (0.5, 1, 2, 4)
"""Of the plan's own size, what is tried."""
LONG_STEPS = 2_000
"""In a run of more, no less than the plan's own size: the noise scale grows as the loss falls (McCandlish et al., "An Empirical
Model of Large-Batch Training", arXiv 1812.06162), and what is measured at the beginning speaks for batches that are too small.
"""
GAIN = 0.07
"""Less time than this is not worth another size."""
_PILOT_STEPS, _GRADIENTS = 24, 8
_TIMED = STEPS + WARM_UP
_GLANCE = 2 * _TIMED
"""Steps of the plan's own size, that steps of twice the size take at most."""
ASSUMED_SCALE = 1_000
"""Samples: about what networks of several kinds show a few hundred steps into a run (benchmarks/LOG.md)."""
_LEAST_STEPS = 20
"""An epoch keeps so many, whatever the machine would like."""


def choose(plan: Plan, measuring: Measuring) -> Plan:
    """Moves the learning rate, the micro-batch and the number of steps with it, where they are not the user's."""
    sizes = _sizes(plan, measuring)
    timed = sum(size / plan.batch_size for size in sizes) * _TIMED
    if len(sizes) < 2 or not measuring.affords_steps(_PILOT_STEPS + _GRADIENTS + timed):
        return plan
    with measuring.budget.spending():
        scale = _scale(plan, measuring)
        per_sample = {size: _seconds(plan, size, measuring) / size for size in sizes}
    useful = {
        size: seconds / (efficiency(size, scale) if scale is not None else 1.0) for size, seconds in per_sample.items()
    }
    best = min(sizes, key=lambda size: useful[size])
    taken = best if useful[best] < (1 - GAIN) * useful[plan.batch_size] else plan.batch_size
    measuring.step_s = per_sample[taken] * taken
    told = "hidden by its own noise" if scale is None else f"{scale:,.0f} samples"
    reason = Reason("the least time for the same progress", f"gradient noise scale {told}", _trials(per_sample))
    return resized(plan, taken, reason, measuring)


def glance(plan: Plan, measuring: Measuring) -> Plan:
    """Takes twice the batch where that makes the least time of it, and moves what ``choose`` moves. Costs a few such steps."""
    size = 2 * plan.batch_size
    if size not in _sizes(plan, measuring) or not measuring.affords_steps(_GLANCE):
        return plan
    with measuring.budget.spending():
        step_s = _seconds(plan, size, measuring)
    per_sample = {plan.batch_size: measuring.step_s / plan.batch_size, size: step_s / size}
    useful = {tried: seconds / efficiency(tried, ASSUMED_SCALE) for tried, seconds in per_sample.items()}
    if useful[size] >= (1 - GAIN) * useful[plan.batch_size]:
        return plan
    measuring.step_s = step_s
    why = "a step of twice the samples takes far less than twice the time"
    reason = Reason(why, f"{step_s * 1e3:.1f} ms a step", _trials(per_sample))
    return resized(plan, size, reason, measuring)


def resized(plan: Plan, size: int, reason: Reason, measuring: Measuring) -> Plan:
    """The plan with another batch size, and what follows from it."""
    before = plan.batch_size
    plan = plan.with_choice("batch_size", size, reason)
    if size == before:
        return plan
    plan = microbatch_size.within(plan, measuring.room, pinned=measuring.pinned)
    if "learning_rate" not in measuring.pinned:
        rate = scale_learning_rate(plan.learning_rate, plan.optimizer, before=before, after=size)
        plan = plan.with_choice("learning_rate", rate, Reason(f"moved with the batch size, from {before} to {size}"))
    steps = steps_per_epoch(len(measuring.bench.split), size)
    return plan.with_choice("total_steps", plan.epochs * steps, Reason(f"{plan.epochs} epochs of {steps} steps"))


def _trials(per_sample: Mapping[int, float]) -> tuple[Measurement, ...]:
    return tuple(Measurement(str(size), f"{seconds * 1e6:.1f} µs a sample") for size, seconds in per_sample.items())


def _sizes(plan: Plan, measuring: Measuring) -> list[int]:
    samples = len(measuring.bench.split)
    most = min(max(plan.batch_size, samples // _LEAST_STEPS), measuring.room.samples)
    factors = (factor for factor in FACTORS if factor >= 1 or plan.total_steps <= LONG_STEPS)
    sizes = {max(8, round(plan.batch_size * factor)) for factor in factors}
    processes = measuring.bench.share.size
    shared = (size for size in sizes if size <= most and samples // steps_per_epoch(samples, size) >= processes)
    return sorted({plan.batch_size, *shared})


def _scale(plan: Plan, measuring: Measuring) -> float | None:
    pilot = measuring.bench.pilot(plan, _PILOT_STEPS)
    return noise_scale(measuring.bench.gradients(plan, _GRADIENTS, net=pilot.net), plan.batch_size)


def _seconds(plan: Plan, size: int, measuring: Measuring) -> float:
    """No more than the budget has room for."""
    tried = microbatch_size.within(replace(plan, batch_size=size), measuring.room, pinned=measuring.pinned)
    return measuring.bench.step_seconds(tried, within_s=measuring.budget.left_s)
