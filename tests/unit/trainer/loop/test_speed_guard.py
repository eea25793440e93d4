"""A run that is slower than its plan says so, once."""

import pytest

from naiad.trainer.loop import speed_guard
from naiad.trainer.loop.speed_guard import SpeedGuard, find_emulated_format, make_speed_guard
from naiad.trainer.machine.core_time import CoreClock
from naiad.trainer.machine.slow_causes import MachineCounters


class Machine:
    """A clock, and counters of one thread that waits for a core in a fraction of the time."""

    def __init__(self, waiting=0.0):
        self.now, self._waiting = 50.0, waiting

    def clock(self):
        return self.now

    def counters(self):
        wanted = self.now * 1e9
        return MachineCounters(CoreClock({"1": (round(wanted * (1 - self._waiting)), round(wanted * self._waiting))}))


@pytest.fixture
def notes():
    return []


def take_steps(guard, machine, seconds):
    for step_s in seconds:
        machine.now += step_s
        guard.after_step()


@pytest.fixture
def make(notes):
    def guard(machine, expected_s=0.01, emulated=None):
        return SpeedGuard(expected_s, notes.append, emulated, clock=machine.clock, read_counters=machine.counters)

    return guard


def test_a_slow_run_is_told_once_with_its_cause(make, notes):
    machine = Machine(waiting=0.6)
    take_steps(make(machine), machine, [0.07] * 500)
    assert notes == [
        "a step takes 70 ms, 7.0 times what the plan measured (10 ms): "
        "other work is on the cores: threads waited for one in 60% of the time"
    ]


def test_a_number_format_that_is_imitated_is_named(make, notes):
    machine = Machine()
    take_steps(make(machine, emulated="bf16"), machine, [2.5] * 30)
    assert notes[0].startswith("a step takes 2.5 s, 250.0 times")
    assert "imitates" in notes[0]


@pytest.mark.parametrize(
    "seconds",
    [[0.019] * 100, [5.0, 5.0] + [0.01] * 100, [0.01] * 10 + [9.0] * 5 + [0.01] * 100, [9.0] * 5, [0.01] * 30 + [9.0] * 50],
    ids=["nearly twice", "a warm-up", "a checkpoint", "too few steps", "slow later"],
)  # fmt: skip
def test_other_runs_say_nothing(make, notes, seconds):
    machine = Machine()
    take_steps(make(machine), machine, seconds)
    assert notes == []


def test_without_a_timed_step_there_is_no_guard(plan, notes):
    assert make_speed_guard(plan(), None, notes.append) is None
    assert make_speed_guard(plan(), 0.5, notes.append).expected_s == 0.5


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"precision": "bf16"}, "bf16"),
        ({"optimizer": "muon", "muon_precision": "bf16"}, "bf16"),
        ({"optimizer": "sgd", "muon_precision": "bf16"}, None),
        ({"precision": "fp32", "optimizer": "muon", "muon_precision": "fp32"}, None),
    ],
)
def test_the_format_that_the_hardware_lacks(plan, monkeypatch, choices, expected):
    monkeypatch.setattr(speed_guard, "has_bf16", lambda _: False)
    assert find_emulated_format(plan(**choices)) == expected
    monkeypatch.setattr(speed_guard, "has_bf16", lambda _: True)
    assert find_emulated_format(plan(**choices)) is None
