"""Likely causes of steps that take far longer than expected: counters of the machine before and after the steps.

Knows nothing of steps. The counters that a system does not have are zero and explain nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from naiad.trainer.machine.cgroups import CURRENT_PROCESS, ControlGroups
from naiad.trainer.machine.core_time import START_OF_THREADS, CoreClock

_PROCESSORS = Path("/sys/devices/system/cpu")
_MUCH = 0.2
"""Fraction of the time from which a wait explains a slow run."""
_MOST_SWAPPED_BYTES = 16 * 2**20
"""Less is read from swap by programs that only wake up."""
_LOW_FREQUENCY = 0.6
"""Fraction of a core's highest frequency below which it counts as throttled: base frequencies are higher."""


@dataclass(frozen=True)
class MachineCounters:
    """Reading of what may slow a run down."""

    cores: CoreClock = START_OF_THREADS
    throttled_s: float = 0.0
    """Seconds in which the control groups' quota was used up."""
    swapped_bytes: int = 0
    hot_events: int = 0
    """Times that a core was slowed down because of its temperature."""
    frequency: float = 1.0
    """The fastest core's frequency now, in units of the highest that it has."""

    @classmethod
    def read(cls, *, groups: ControlGroups = CURRENT_PROCESS, processors: Path = _PROCESSORS) -> "MachineCounters":
        return cls(
            CoreClock.read(),
            groups.throttled_s(),
            _swapped_bytes(),
            sum(_numbers(processors.glob("cpu[0-9]*/thermal_throttle/core_throttle_count"))),
            _frequency(processors),
        )


def likely_cause(
    before: MachineCounters, after: MachineCounters, *, seconds: float, emulated_format: str | None = None
) -> str:
    """One clause for people. ``seconds`` lie between the readings; emulated_format: one that the run computes in.

    The causes that explain a factor of ten come first.
    """
    waiting = after.cores.since(before.cores).waiting_fraction
    throttled = (after.throttled_s - before.throttled_s) / max(seconds, 1e-9)
    swapped = after.swapped_bytes - before.swapped_bytes
    causes = (
        (swapped > _MOST_SWAPPED_BYTES, f"memory is short: {swapped / 2**20:,.0f} MiB went to and from swap"),
        (throttled > _MUCH, f"the container's quota of processor time was used up in {throttled:.0%} of the time"),
        (waiting > _MUCH, f"other work is on the cores: threads waited for one in {waiting:.0%} of the time"),
        (after.hot_events > before.hot_events, "the processor is hot and slows down"),
        (emulated_format is not None, f"this hardware has no units for {emulated_format} and imitates it"),
        (after.frequency < _LOW_FREQUENCY, f"the processor runs at {after.frequency:.0%} of its highest frequency"),
    )
    return next((text for is_likely, text in causes if is_likely), "the cause is not known")


def _swapped_bytes() -> int:
    """Bytes that the whole machine has read from and written to swap."""
    try:
        swap = psutil.swap_memory()
    except (OSError, RuntimeError):
        return 0
    return int(swap.sin + swap.sout)


def _frequency(processors: Path) -> float:
    ratios = []
    for folder in processors.glob("cpu[0-9]*/cpufreq"):
        now, most = _numbers([folder / "scaling_cur_freq"]), _numbers([folder / "cpuinfo_max_freq"])
        if now and most and most[0] > 0:
            ratios.append(now[0] / most[0])
    return max(ratios, default=1.0)


def _numbers(paths: Iterable[Path]) -> list[int]:
    numbers = []
    for path in paths:
        try:
            text = path.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            numbers.append(int(text))
    return numbers
