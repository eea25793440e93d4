"""Measuring leaves nothing behind: a run that measured, and one that follows its plan.json, end with the same bits.

The cases are those of benchmarks/probing_bits.py. With choices given by hand: tests/unit/trainer/test_fit.py.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import probing_bits


@pytest.fixture(autouse=True)
def _nothing_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", probing_bits.CASES)
def test_weights_are_the_same_bits_whether_choices_were_measured_or_follow_a_plan(name, tmp_path):
    measured, replayed = probing_bits.measured_and_replayed(probing_bits.CASES[name], tmp_path)
    assert probing_bits.same_bits(measured, replayed)
    if not probing_bits.was_measured(measured):
        pytest.skip("the machine is too busy for measuring within its part of so short a run")


@pytest.mark.slow
def test_so_are_those_of_two_processes():
    assert probing_bits.agrees_in_two_processes()
