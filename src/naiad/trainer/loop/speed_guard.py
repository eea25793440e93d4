"""Guard of a run's speed: says once where its first steps take far longer than the plan measured, and the likely cause."""

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from naiad.trainer.machine.device import has_bf16
from naiad.trainer.machine.slow_causes import MachineCounters, likely_cause
from naiad.trainer.plan.plan import Plan

STEPS, WARM_UP = 20, 2
"""Steps whose median is compared, and those before them. The median leaves out a checkpoint and a validation."""
SLOW = 2.0
"""A step that takes so many times longer than measured is told."""


@dataclass
class SpeedGuard:
    expected_s: float
    """Seconds of a step, as the plan measured it."""
    note: Callable[[str], None]
    """Gets the one sentence for people."""
    emulated_format: str | None = None
    clock: Callable[[], float] = time.perf_counter
    read_counters: Callable[[], MachineCounters] = MachineCounters.read
    _times: list[float] = field(default_factory=list)
    """The clock after each step, until enough are compared."""
    _before: MachineCounters = field(default_factory=MachineCounters)
    _is_done: bool = False

    def after_step(self) -> None:
        if self._is_done:
            return
        self._times.append(self.clock())
        if len(self._times) == WARM_UP:
            self._before = self.read_counters()
        if len(self._times) == WARM_UP + STEPS:
            self._compare()
            self._is_done = True

    def _compare(self) -> None:
        times = self._times[WARM_UP - 1 :]
        step_s = statistics.median(after - before for before, after in itertools.pairwise(times))
        if step_s <= SLOW * self.expected_s:
            return
        cause = likely_cause(
            self._before, self.read_counters(), seconds=times[-1] - times[0], emulated_format=self.emulated_format
        )
        self.note(
            f"a step takes {_milliseconds(step_s)}, {step_s / self.expected_s:.1f} times what the plan measured "
            f"({_milliseconds(self.expected_s)}): {cause}"
        )


def make_speed_guard(plan: Plan, step_s: float | None, note: Callable[[str], None]) -> SpeedGuard | None:
    """Returns None where no step was timed."""
    return None if step_s is None else SpeedGuard(step_s, note, find_emulated_format(plan))


def find_emulated_format(plan: Plan) -> str | None:
    """The number format that the plan computes in and this hardware does not have."""
    uses_bf16 = plan.precision == "bf16" or (plan.optimizer == "muon" and plan.muon_precision == "bf16")
    return "bf16" if uses_bf16 and not has_bf16(plan.device) else None


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
