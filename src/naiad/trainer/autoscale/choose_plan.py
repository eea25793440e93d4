"""The choice of a plan: measurements correct the plan by rules, within a fraction of the run's time."""

from dataclasses import dataclass, replace

from naiad.trainer.autoscale import batch_size, budget, learning_rate, measure
from naiad.trainer.autoscale.budget import Budget
from naiad.trainer.autoscale.measure import MeasuredPlan, measure_choices, one_line
from naiad.trainer.autoscale.measurement_cache import CachedPlan, MeasurementCache
from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan
from naiad.trainer.autoscale.microbatch_size import probe_memory
from naiad.trainer.autoscale.plan_search import PlanSearch
from naiad.trainer.data.batches import steps_per_epoch
from naiad.trainer.optim.batchnorm import has_batchnorm_statistics
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Reason, count_noun

LEAST_STEPS = 600
"""A shorter run is over before measuring all choices has paid for itself."""
QUICK_STEPS = 200
"""A shorter run is over before even a handful of steps of each candidate has."""
QUICK_CHECK_RANGE = range(100, 2_000)
"""Steps of a run with a time limit in which the batch may be doubled without measuring the noise of the gradient: a shorter
run would have too few left, a longer one has the time to measure.
"""
CACHED_CHOICES = (*measure.CHOICES, "muon_precision")
"""Choices that the cache keeps; the number format is timed together with the optimizer."""


@dataclass(frozen=True)
class ChosenPlan:
    plan: Plan
    step_s: float | None = None
    """Seconds of a step; None where none was timed."""
    cache: MeasurementCache | None = None
    """The cache that keeps the outcome of the run; None where the plan was not chosen in this call."""


def choose_plan(search: PlanSearch, by_rules: Plan) -> ChosenPlan:
    """The plan that a run follows. ``by_rules`` is for a short run where there is a time limit.

    1. Memory is probed first: nothing else may run out of it. The microbatch is what fits.
    2. The cache gives what earlier runs have measured.
    3. The step is timed: that gives the budget for measuring and, with a time limit, the number of steps. As many rules depend on
       the number of steps, they are applied again.
    4. A run that is short of time doubles its batch where a quick check says that this saves time.
    5. A long run measures what the cache does not have: first what makes a step fast, then, with the rules for the new number of
       steps, what depends on the length of the run. A shorter one measures what a handful of steps decides.
    6. The steps are fitted to the time that is left, and the plan says what was spent and not measured.
    """
    setup, notes = _set_up(search, by_rules)  # 1
    plan = setup.within_memory(by_rules)
    if not search.has_time_limit and (plan.measure_fraction == 0 or plan.total_steps < QUICK_STEPS):
        return _choose_untimed(search, plan, notes)
    cached = _look_up(search, setup, plan)  # 2
    pending = _pending(search, cached, cached.plan.total_steps)
    if not search.has_time_limit and not pending:
        return _choose_untimed(search, cached.plan, notes)
    timed = before = _time_step(search, setup, cached)  # 3
    if search.has_time_limit and plan.measure_fraction > 0 and not cached.answered:
        timed = _quick_check(search, setup, timed)  # 4
    if pending := _pending(search, cached, timed.plan.total_steps):
        measured = _measure(search, setup, timed, pending, cached)  # 5
        _store(search.cache, measured, before.plan)
        timed, notes = measured.timed, {**notes, **measured.notes}
    return _finish(search, setup, timed, notes)  # 6


def _set_up(search: PlanSearch, plan: Plan) -> tuple[MeasurementSetup, dict[str, str]]:
    """The setup of all measurements, with what fits into memory; and why that is not known."""
    limit_s = float("inf")  # until it is known how long a step takes
    if plan.time_limit_s is not None:  # its steps are timed even where nothing else is measured
        limit_s = (plan.measure_fraction or budget.DEFAULT_FRACTION) * plan.time_limit_s
    spendable = Budget(limit_s, search.probe.clock)
    setup = MeasurementSetup(
        search.probe, spendable, search.unmeasured, rules=search.rules, optimizers=search.optimizers
    )
    with setup.budget.charge():
        try:
            return replace(setup, memory=probe_memory(search.probe, plan)), {}
        except Exception as error:  # noqa: BLE001  # reason: a network may fail in any way; the run finds out by itself
            return setup, {"microbatch_size": f"could not be measured: {one_line(error)}"}


def _look_up(search: PlanSearch, setup: MeasurementSetup, plan: Plan) -> CachedPlan:
    if plan.measure_fraction == 0:
        return CachedPlan(plan)
    cached = search.cache.lookup(plan, CACHED_CHOICES)
    if not cached.names:
        return cached
    steps = steps_per_epoch(len(search.probe.split), cached.plan.batch_size)
    reason = Reason(f"{count_noun(plan.epochs, 'epoch')} of {count_noun(steps, 'step')}")
    updated = cached.plan.with_choice("total_steps", plan.epochs * steps, reason)
    if not search.has_time_limit:
        updated = search.apply_length_rules(updated, before=plan, kept=search.unmeasured | cached.names)
    return replace(cached, plan=setup.within_memory(updated))


def _pending(search: PlanSearch, cached: CachedPlan, steps: int) -> frozenset[str]:
    """The choices that are still to be measured in a run of so many steps."""
    if cached.plan.measure_fraction == 0 or steps < QUICK_STEPS:
        return frozenset()
    choices = frozenset(measure.CHOICES if steps >= LEAST_STEPS else measure.QUICK_CHOICES)
    if not search.optimizers:
        choices -= {"optimizer"}
    return choices - cached.answered - search.unmeasured


def _time_step(search: PlanSearch, setup: MeasurementSetup, cached: CachedPlan) -> TimedPlan:
    """The plan with the time of its step, which sets the budget, or, with a time limit, the number of steps."""
    timed = _timed(setup, cached.plan, within_s=setup.budget.limit_s)
    if not search.has_time_limit:
        setup.budget.limit_s = timed.plan.measure_fraction * timed.plan.total_steps * timed.step_s
        return timed
    optimizer = {"optimizer": timed.plan.optimizer} if "optimizer" in cached.names else {}
    by_length = setup.within_memory(search.rules(search.fit_to_time(timed).plan.total_steps, optimizer))
    plan = _look_up(search, setup, by_length).plan
    if plan.optimizer != timed.plan.optimizer and setup.budget.left_s > 0:
        return search.fit_to_time(_timed(setup, plan, within_s=setup.budget.left_s))
    return search.fit_to_time(replace(timed, plan=plan))


def _timed(setup: MeasurementSetup, plan: Plan, *, within_s: float) -> TimedPlan:
    with setup.budget.charge():
        timing = setup.probe.time_steps(plan, within_s=within_s)
    setup.budget.refund(timing.warm_up_s)
    return TimedPlan(plan, timing.step_s)


def _quick_check(search: PlanSearch, setup: MeasurementSetup, timed: TimedPlan) -> TimedPlan:
    plan = timed.plan
    if plan.total_steps not in QUICK_CHECK_RANGE or search.unmeasured & {"epochs", "batch_size"}:
        return timed
    checked = search.fit_to_time(batch_size.quick_check(timed, setup))
    if not has_batchnorm_statistics(search.probe.net):  # the other rules for so few steps say the same
        return checked
    return replace(checked, plan=search.apply_length_rules(checked.plan, before=plan, kept=search.unmeasured))


def _measure(
    search: PlanSearch, setup: MeasurementSetup, timed: TimedPlan, pending: frozenset[str], cached: CachedPlan
) -> MeasuredPlan:
    kept = search.unmeasured | cached.names
    steps = measure_choices(timed, measure.STEP_CHOICES, pending, setup)
    kept |= frozenset({"optimizer"} if search.optimizers else ()) & steps.answered
    fitted = search.fit_to_time(steps.timed)
    fitted = replace(fitted, plan=search.apply_length_rules(fitted.plan, before=timed.plan, kept=kept))
    if "learning_rate" in pending:
        with setup.budget.charge():
            setup = replace(setup, short_run_rate=_short_run_rate(search, fitted.plan))
    run = measure_choices(fitted, measure.RUN_CHOICES, pending, setup)
    return MeasuredPlan(run.timed, steps.answered | run.answered, {**steps.notes, **run.notes})


def _short_run_rate(search: PlanSearch, plan: Plan) -> float:
    """The rules' learning rate for a run as short as a range test, in units of their rate for this one."""
    fixed = {"optimizer": plan.optimizer, "batch_size": plan.batch_size}
    short, long = (search.rules(steps, fixed).learning_rate for steps in (learning_rate.STEPS, plan.total_steps))
    return short / long


def _store(cache: MeasurementCache, measured: MeasuredPlan, before: Plan) -> None:
    """Keeps the choices whose value or reason measuring has changed."""
    plan = measured.timed.plan
    names = [name for name in CACHED_CHOICES if plan.reason(name) != before.reason(name)]
    optimizer = ["optimizer"] if "learning_rate" in names else []
    cache.store_choices(plan, names + optimizer, answered=measured.answered)


def _choose_untimed(search: PlanSearch, plan: Plan, notes: dict[str, str]) -> ChosenPlan:
    return ChosenPlan(_add_notes(plan, notes), cache=search.cache)


def _finish(search: PlanSearch, setup: MeasurementSetup, timed: TimedPlan, notes: dict[str, str]) -> ChosenPlan:
    timed = search.fit_to_time(timed)
    timed = replace(timed, plan=_add_notes(timed.plan, notes))
    if timed.plan.measure_fraction == 0:
        return ChosenPlan(timed.plan, timed.step_s, search.cache)
    return ChosenPlan(_add_spent_time(timed.plan, setup.budget), timed.step_s, search.cache)


def _add_notes(plan: Plan, notes: dict[str, str]) -> Plan:
    """The plan that says of each choice in ``notes`` why it was not measured."""
    for name, note in notes.items():
        reason = plan.reason(name)
        measured = f"{reason.measured}; {note}" if reason.measured else note
        plan = plan.with_choice(name, getattr(plan, name), Reason(reason.text, measured))
    return plan


def _add_spent_time(plan: Plan, spent: Budget) -> Plan:
    """The plan that says how long was measured, and how long might have been."""
    few = f"; a run of fewer than {LEAST_STEPS} steps is too short for more" if plan.total_steps < LEAST_STEPS else ""
    reason = Reason(plan.reason("measure_fraction").text + few, str(spent))
    return plan.with_choice("measure_fraction", plan.measure_fraction, reason)
