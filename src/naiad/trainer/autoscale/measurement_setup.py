"""The setup that every choice is measured with, and the timed plan that goes from one choice to the next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from naiad.trainer.autoscale.budget import Budget
from naiad.trainer.autoscale.microbatch_size import UNKNOWN_LIMIT, MemoryLimit, limit_microbatch
from naiad.trainer.autoscale.network_probe import NetworkProbe
from naiad.trainer.plan.plan import Plan

Rules = Callable[[int, Mapping[str, Any]], Plan]
"""The plan by rules for so many steps, with some choices fixed by name."""


@dataclass(frozen=True)
class TimedPlan:
    """A plan, and the seconds that one of its steps takes on this machine."""

    plan: Plan
    step_s: float


@dataclass(frozen=True)
class MeasurementSetup:
    probe: NetworkProbe
    budget: Budget
    unmeasured: frozenset[str]
    """Choices that the user made or left to their rules."""
    memory: MemoryLimit = UNKNOWN_LIMIT
    short_run_rate: float = 1.0
    """The rules' learning rate for a run as short as a range test, in units of their rate for this run."""
    rules: Rules | None = None
    """None where no choice that is measured changes what the rules say of others."""
    optimizers: tuple[str, ...] = ()
    """Optimizers between which the time of a step decides."""

    def within_memory(self, plan: Plan) -> Plan:
        """The plan with the largest microbatch that fits into memory, where that is known."""
        if self.memory is UNKNOWN_LIMIT:
            return plan
        return limit_microbatch(plan, self.memory, unmeasured=self.unmeasured)
