"""The order in which choices are measured: first what makes a step fast, then what makes it useful."""

from collections.abc import Callable

from naiad.trainer.autoscale import (
    augment,
    batch_size,
    compilation,
    feed_workers,
    fused,
    learning_rate,
    memory_format,
    precision,
    threads,
)
from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.plan.plan import Plan

Choose = Callable[[Plan, Measuring], Plan]

CHOICES: dict[str, Choose] = {
    "precision": precision.choose,
    "memory_format": memory_format.choose,
    "threads": threads.choose,
    "feed_workers": feed_workers.choose,
    "batch_size": batch_size.choose,
    "learning_rate": learning_rate.choose,
    "augment": augment.choose,
    "compile": compilation.choose,
    "fused": fused.choose,
}
BY_LENGTH = frozenset({"learning_rate", "augment", "compile"})
"""What is asked when it is known how long the run is: after those that change how many steps there are."""


def tune(plan: Plan, measuring: Measuring, *, known: frozenset[str] = frozenset()) -> Plan:
    """The plan with what is neither pinned nor known measured, as far as the budget reaches."""
    for name, choose in CHOICES.items():
        if name not in measuring.pinned | known:
            plan = _asked(name, choose, plan, measuring)
    return plan


def _asked(name: str, choose: Choose, plan: Plan, measuring: Measuring) -> Plan:
    """The same plan where that cannot be measured: a run that would have trained still does."""
    budget = measuring.budget
    budget.refused = budget.postponed = False
    try:
        found = choose(plan, measuring)
    except Exception as error:  # noqa: BLE001  # reason: a network may fail in any way at what the run would never ask of it
        measuring.not_measured[name] = f"could not be measured: {told(error)}"
        return plan
    if budget.refused and found == plan:
        measuring.not_measured[name] = "not measured: no room in the budget"
    if not budget.postponed:
        measuring.answered.add(name)
    return found


def told(error: Exception) -> str:
    """In one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:120]}" if lines else type(error).__name__
