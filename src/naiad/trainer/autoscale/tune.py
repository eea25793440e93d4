"""The order in which choices are measured: first what makes a step fast, then what makes it useful."""

from collections.abc import Callable

from naiad.trainer.autoscale import (
    augmentation,
    batch_size,
    compiling,
    feed,
    fused,
    layout,
    learning_rate,
    precision,
    threads,
)
from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.plan import Plan

Choose = Callable[[Plan, Measuring], Plan]

CHOICES: dict[str, Choose] = {
    "precision": precision.choose,
    "memory_format": layout.choose,
    "threads": threads.choose,
    "feed_workers": feed.choose,
    "batch_size": batch_size.choose,
    "learning_rate": learning_rate.choose,
    "augment": augmentation.choose,
    "compile": compiling.choose,
    "fused": fused.choose,
}


def tune(plan: Plan, measuring: Measuring, *, known: frozenset[str] = frozenset()) -> Plan:
    """The plan with what is neither pinned nor known measured, as far as the budget reaches."""
    for name, choose in CHOICES.items():
        if name not in measuring.pinned | known:
            measuring.budget.postponed = False
            plan = choose(plan, measuring)
            if not measuring.budget.postponed:
                measuring.answered.add(name)
    return plan
