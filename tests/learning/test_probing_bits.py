"""Measurements do not change the weights: a run with measurements and one that follows its plan.json have the same.

The cases are those of benchmarks/probing_bits.py. tests/unit/trainer/test_fit.py tests choices that are given by hand.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import probing_bits


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


FAST = ("convolutional", "regression with average and BatchNorm", "draws in eval")


@pytest.mark.parametrize(
    "name", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in probing_bits.CASES]
)
def test_the_weights_are_equal_whether_choices_are_measured_or_follow_a_plan(name, tmp_path):
    measured, replayed = probing_bits.measure_and_replay(probing_bits.CASES[name], tmp_path)
    assert probing_bits.has_same_weights(measured, replayed)
    if not probing_bits.was_measured(measured):
        pytest.skip("the machine is too busy to measure within the budget of so short a run")


@pytest.mark.slow
def test_the_weights_of_two_processes_are_equal():
    assert probing_bits.is_replay_equal_in_two_processes()
