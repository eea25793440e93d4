"""Batch size: the one that needs the least time for the same progress, within the memory that is free.

The time of a sample falls with the batch until the machine is full; the progress a sample falls as the batch nears the noise
scale of the gradient. Both are measured, and their product decides. In a run that is too short for that, only twice the batch is
timed, and a usual noise scale is assumed.
"""

from collections.abc import Mapping
from dataclasses import replace

from naiad.trainer.autoscale.gradient_noise import efficiency, noise_scale
from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan
from naiad.trainer.autoscale.microbatch_size import limit_microbatch
from naiad.trainer.autoscale.network_probe import STEPS, WARM_UP
from naiad.trainer.data.batches import steps_per_epoch
from naiad.trainer.optim.optimizers import scale_learning_rate
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Measurement, Reason, count_noun

FACTORS = (0.5, 1, 2, 4)
"""Sizes that are tried, in units of the plan's own."""
LONG_STEPS = 2_000
"""Steps from which on no size below the plan's own is tried: the noise scale grows as the loss falls (McCandlish et al., "An
Empirical Model of Large-Batch Training", arXiv 1812.06162), and a measurement at the beginning speaks for too small batches.
"""
GAIN = 0.07
"""A smaller gain of time is not worth another size."""
_SHORT_RUN_STEPS, _GRADIENTS = 24, 8
_TIMED_STEPS = STEPS + WARM_UP
_QUICK_CHECK_STEPS = 2 * _TIMED_STEPS
"""Cost of the timing of twice the batch, at most, in steps of the plan's own size."""
ASSUMED_SCALE = 1_000
"""Samples: about what networks of several kinds show a few hundred steps into a run (benchmarks/LOG.md)."""
_LEAST_STEPS_PER_EPOCH = 20


def choose(timed: TimedPlan, setup: MeasurementSetup) -> TimedPlan:
    """Moves the learning rate, the microbatch and the number of steps with the size, where they are not the user's."""
    plan, sizes = timed.plan, _sizes(timed.plan, setup)
    timed_steps = sum(size / plan.batch_size for size in sizes) * _TIMED_STEPS
    if len(sizes) < 2:
        return timed
    setup.budget.require((_SHORT_RUN_STEPS + _GRADIENTS + timed_steps) * timed.step_s)
    with setup.budget.charge():
        scale = _noise_scale(plan, setup)
        sample_s = {size: _step_seconds(plan, size, setup) / size for size in sizes}
    progress_s = {
        size: seconds / (efficiency(size, scale) if scale is not None else 1.0) for size, seconds in sample_s.items()
    }
    best = min(sizes, key=lambda size: progress_s[size])
    chosen = best if progress_s[best] < (1 - GAIN) * progress_s[plan.batch_size] else plan.batch_size
    scale_text = "hidden by its own noise" if scale is None else f"{scale:,.0f} samples"
    reason = Reason(
        "the least time for the same progress", f"gradient noise scale {scale_text}", _measurements(sample_s)
    )
    return TimedPlan(resize(plan, chosen, reason, setup), sample_s[chosen] * chosen)


def quick_check(timed: TimedPlan, setup: MeasurementSetup) -> TimedPlan:
    """Takes twice the batch where that saves time, and moves what ``choose`` moves. Costs a few steps."""
    plan, size = timed.plan, 2 * timed.plan.batch_size
    if size not in _sizes(plan, setup) or not setup.budget.has_room_for(_QUICK_CHECK_STEPS * timed.step_s):
        return timed
    with setup.budget.charge():
        step_s = _step_seconds(plan, size, setup)
    sample_s = {plan.batch_size: timed.step_s / plan.batch_size, size: step_s / size}
    progress_s = {tried: seconds / efficiency(tried, ASSUMED_SCALE) for tried, seconds in sample_s.items()}
    if progress_s[size] >= (1 - GAIN) * progress_s[plan.batch_size]:
        return timed
    why = "a step of twice the samples takes far less than twice the time"
    reason = Reason(why, f"{step_s * 1e3:.1f} ms a step", _measurements(sample_s))
    return TimedPlan(resize(plan, size, reason, setup), step_s)


def resize(plan: Plan, size: int, reason: Reason, setup: MeasurementSetup) -> Plan:
    """The plan with another batch size, and with what follows from it."""
    before = plan.batch_size
    plan = plan.with_choice("batch_size", size, reason)
    if size == before:
        return plan
    plan = limit_microbatch(plan, setup.memory, unmeasured=setup.unmeasured)
    if "learning_rate" not in setup.unmeasured:
        rate = scale_learning_rate(plan.learning_rate, plan.optimizer, before=before, after=size)
        why = f"moved with the batch size, from {before} to {size}"
        plan = plan.with_choice("learning_rate", rate, Reason(why))
    steps = steps_per_epoch(len(setup.probe.split), size)
    return plan.with_choice(
        "total_steps", plan.epochs * steps, Reason(f"{count_noun(plan.epochs, 'epoch')} of {count_noun(steps, 'step')}")
    )


def _measurements(sample_s: Mapping[int, float]) -> tuple[Measurement, ...]:
    return tuple(Measurement(str(size), f"{seconds * 1e6:.1f} µs a sample") for size, seconds in sample_s.items())


def _sizes(plan: Plan, setup: MeasurementSetup) -> list[int]:
    samples = len(setup.probe.split)
    most = min(max(plan.batch_size, samples // _LEAST_STEPS_PER_EPOCH), setup.memory.samples)
    factors = (factor for factor in FACTORS if factor >= 1 or plan.total_steps <= LONG_STEPS)
    sizes = {max(8, round(plan.batch_size * factor)) for factor in factors}
    processes = setup.probe.batch_slice.world_size
    possible = (size for size in sizes if size <= most and samples // steps_per_epoch(samples, size) >= processes)
    return sorted({plan.batch_size, *possible})


def _noise_scale(plan: Plan, setup: MeasurementSetup) -> float | None:
    net = setup.probe.short_run(plan, _SHORT_RUN_STEPS).net
    return noise_scale(setup.probe.gradients(plan, _GRADIENTS, net=net), plan.batch_size)


def _step_seconds(plan: Plan, size: int, setup: MeasurementSetup) -> float:
    """Times no longer than the budget has room for."""
    resized = limit_microbatch(replace(plan, batch_size=size), setup.memory, unmeasured=setup.unmeasured)
    return setup.probe.step_seconds(resized, within_s=setup.budget.left_s)
