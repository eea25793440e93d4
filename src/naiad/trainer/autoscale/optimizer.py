"""Optimizer: Muon where the time of its update is repaid, in the number format in which it is fastest.

How much Muon learns in a step is a rule (``rules/optimizer.py``); here its step is timed against the step without it.
"""

import statistics
from dataclasses import replace

from naiad.trainer.autoscale.budget import BudgetError
from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan
from naiad.trainer.autoscale.rules.optimizer import most_muon_cost
from naiad.trainer.machine import device
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Measurement, Reason

ROUNDS = 2
"""Few: the cost is compared with a factor, not with another cost that is nearly the same."""
_FOLLOWING = ("learning_rate", "muon_precision", "momentum", "weight_decay", "schedule", "warmup_fraction")
"""Choices whose rules depend on the optimizer."""


def choose(timed: TimedPlan, setup: MeasurementSetup) -> TimedPlan:
    """Raises BudgetError where there is not enough time."""
    if not setup.optimizers or timed.plan.optimizer not in setup.optimizers:
        return timed
    plans = [_with_optimizer(timed.plan, name, setup) for name in setup.optimizers]
    formats = [plan for plan in plans if plan.optimizer == "muon" and "muon_precision" not in setup.unmeasured]
    if device.has_bf16(timed.plan.device):
        plans += [replace(plan, muon_precision=_other_format(plan)) for plan in formats]
    setup.budget.require((ROUNDS + 1) * len(plans) * timed.step_s)
    with setup.budget.charge():
        rounds = setup.probe.compare_steps(plans, rounds=ROUNDS, within_s=setup.budget.left_s)
    if not all(rounds):
        raise BudgetError(is_final=False)
    seconds = [statistics.median(times) for times in rounds]
    without_s = next(step_s for plan, step_s in zip(plans, seconds, strict=True) if plan.optimizer != "muon")
    muon_s, muon = min(
        ((step_s, plan) for plan, step_s in zip(plans, seconds, strict=True) if plan.optimizer == "muon"),
        key=lambda pair: pair[0],
    )
    cost, most = muon_s / without_s - 1, most_muon_cost(setup.probe.net, timed.plan.total_steps)
    pays = cost <= most
    chosen = muon if pays else next(plan for plan in plans if plan.optimizer != "muon")
    reason = Reason(
        "muon makes the most of each step, and its update pays" if pays else "muon's update costs too much time here",
        f"muon's update takes {cost:.2g} times as long as the step without it; up to {most:g} pays",
        tuple(_measurement(plan, step_s) for plan, step_s in zip(plans, seconds, strict=True)),
    )
    return TimedPlan(chosen.with_choice("optimizer", chosen.optimizer, reason), muon_s if pays else without_s)


def _with_optimizer(plan: Plan, name: str, setup: MeasurementSetup) -> Plan:
    """Returns the plan with another optimizer and what its rules say of the choices that follow it."""
    if name == plan.optimizer:
        return plan
    assert setup.rules is not None  # reason: optimizers are timed only where there are rules for them
    ruled = setup.rules(plan.total_steps, {"optimizer": name, "batch_size": plan.batch_size})
    plan = replace(plan, optimizer=name)
    for choice in _FOLLOWING:
        if choice not in setup.unmeasured:
            plan = plan.with_choice(choice, getattr(ruled, choice), ruled.reason(choice))
    return plan


def _other_format(plan: Plan) -> str:
    return {"fp32": "bf16", "bf16": "fp32"}[plan.muon_precision]


def _measurement(plan: Plan, step_s: float) -> Measurement:
    name = f"muon in {plan.muon_precision}" if plan.optimizer == "muon" else plan.optimizer
    return Measurement(name, f"{step_s * 1e3:.2f} ms a step")
