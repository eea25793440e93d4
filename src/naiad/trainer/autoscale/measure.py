"""The order in which choices are measured: first what makes a step fast, then what depends on the length of the run."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from naiad.trainer.autoscale import (
    augment,
    batch_size,
    compilation,
    feed_workers,
    fused,
    learning_rate,
    memory_format,
    optimizer,
    precision,
    threads,
)
from naiad.trainer.autoscale.budget import BudgetError
from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan

Choose = Callable[[TimedPlan, MeasurementSetup], TimedPlan]

STEP_CHOICES: Mapping[str, Choose] = MappingProxyType(
    {
        "threads": threads.choose,
        "optimizer": optimizer.choose,
        "precision": precision.choose,
        "memory_format": memory_format.choose,
        "feed_workers": feed_workers.choose,
        "batch_size": batch_size.choose,
        "fused": fused.choose,
    }
)
"""Choices that change how fast a step is, and thereby how many steps fit into a time limit."""
RUN_CHOICES: Mapping[str, Choose] = MappingProxyType(
    {
        "learning_rate": learning_rate.choose,
        "augment": augment.choose,
        "compile": compilation.choose,
    }
)
"""Choices that depend on the length of the run."""
CHOICES = (*STEP_CHOICES, *RUN_CHOICES)
QUICK_CHOICES = ("threads", "optimizer", "precision", "memory_format")
"""Choices that a handful of steps decides, so that they are measured in shorter runs, too."""


@dataclass(frozen=True)
class MeasuredPlan:
    timed: TimedPlan
    answered: frozenset[str] = frozenset()
    """Choices that need no more measuring, in a later run either."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Reasons why choices were not measured, by their names."""


def measure_choices(
    timed: TimedPlan, choices: Mapping[str, Choose], names: Collection[str], setup: MeasurementSetup
) -> MeasuredPlan:
    """Measures those of the choices that are named, in their order, as far as the budget reaches.

    A choice that cannot be measured keeps its value: a run that would have trained still does.
    """
    answered, notes = set(), {}
    for name in choices:
        if name not in names:
            continue
        try:
            timed = choices[name](timed, setup)
            answered.add(name)
        except BudgetError as error:
            notes[name] = "not measured: no room in the budget"
            if error.is_final:
                answered.add(name)
        except Exception as error:  # noqa: BLE001  # reason: a network may fail in any way in what the run would never do
            notes[name] = f"could not be measured: {one_line(error)}"
    return MeasuredPlan(timed, frozenset(answered), notes)


def one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:120]}" if lines else type(error).__name__
