"""Measures the speed of this machine, and says what Naiad would choose on it.

A run measures its own network all the same; this is what to expect, and what to compare machines by.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from naiad.trainer.machine import device
from naiad.trainer.machine.core_time import CoreClock, CoreTime
from naiad.trainer.machine.speed import Rate, measure_rates
from naiad.trainer.machine.thread_waiting import SLEEP_FROM, adapt_thread_waiting


@dataclass(frozen=True)
class LikelyChoice:
    """The value of a choice that a network of usual size gets on this machine."""

    name: str
    value: str
    reason: str


@dataclass(frozen=True)
class MachineSpeed:
    rates: tuple[Rate, ...]
    choices: tuple[LikelyChoice, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def measure_speed(folder: Path, *, clock: Callable[[], float] = time.perf_counter) -> MachineSpeed:
    """Takes about ten seconds. ``folder`` is where runs would be written."""
    started, before = clock(), CoreClock.read()
    with adapt_thread_waiting():
        rates = tuple(measure_rates(folder, clock=clock))
    core_time = CoreClock.read().since(before)
    return MachineSpeed(rates, tuple(likely_choices(rates, core_time)), clock() - started)


def likely_choices(rates: Sequence[Rate], core_time: CoreTime) -> Iterator[LikelyChoice]:
    """The choices that follow from the rates. core_time: of the measurements."""
    name = device.best_device()
    yield LikelyChoice("device", name, "the fastest that torch finds here")
    convolution, product = _fastest(rates, "convolution"), _fastest(rates, "matrix product")
    yield _format_choice("precision", convolution, rates)
    yield _format_choice("muon_precision", product, rates)
    if convolution.threads is not None:
        reason = f"convolutions in {convolution.number_format}: {_compare_threads(rates, convolution)}"
        yield LikelyChoice("threads", str(convolution.threads), reason)
        fraction = core_time.waiting_fraction
        is_busy = fraction >= SLEEP_FROM
        others = "other work is on the cores" if is_busy else "the cores are free"
        reason = f"threads waited for a core in {fraction:.0%} of the time: {others}"
        yield LikelyChoice("idle threads", "sleep" if is_busy else "spin", reason)


def _format_choice(name: str, fastest: Rate, rates: Sequence[Rate]) -> LikelyChoice:
    """The fastest format of an operation, as far as the hardware has it."""
    by_format = {rate.number_format: rate for rate in _same(rates, fastest.what, threads=fastest.threads)}
    figures = ", ".join(f"{key} {rate.value:,.0f} {rate.unit}" for key, rate in by_format.items())
    has_units = fastest.number_format != "bf16" or device.has_bf16(device.best_device())
    value = str(fastest.number_format) if has_units else "fp32"
    return LikelyChoice(name, value, f"{fastest.what}: {figures}{'' if has_units else '; no bf16 units'}")


def _compare_threads(rates: Sequence[Rate], fastest: Rate) -> str:
    same = _same(rates, fastest.what, number_format=fastest.number_format)
    return ", ".join(f"{rate.value:,.0f} {rate.unit} with {rate.threads}" for rate in same)


def _fastest(rates: Sequence[Rate], what: str) -> Rate:
    return max(_same(rates, what), key=lambda rate: rate.value)


def _same(rates: Sequence[Rate], what: str, **fields: Any) -> list[Rate]:
    """The rates of one operation, with these values of other fields."""
    return [
        rate
        for rate in rates
        if rate.what == what and all(getattr(rate, name) == value for name, value in fields.items())
    ]
