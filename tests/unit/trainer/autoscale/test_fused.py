"""The fused update against the loop over weights."""

from typing import Any

import pytest

from naiad.trainer.autoscale import fused


@pytest.fixture
def compared(monkeypatch):
    """What was to be compared, by name; the last is taken."""
    asked: dict[str, Any] = {}

    def fastest(plan, name, values, why, measuring):
        asked[name] = values
        return plan.with_choice(name, values[-1], why)

    monkeypatch.setattr(fused, "fastest", fastest)
    return asked


def test_the_faster_update_is_taken(compared, measuring, plan):
    assert fused.choose(plan(), measuring()).fused == "off"
    assert compared == {"fused": ("on", "off")}


def test_a_run_too_short_to_repay_it_is_not_measured(compared, measuring, plan):
    assert fused.choose(plan(), measuring(budget_s=0.004 * 150, step_s=0.004)) == plan()
    assert compared == {}


def test_what_torch_cannot_fuse_is_not_tried(compared, measuring, plan):
    assert fused.choose(plan(fused="off"), measuring()) == plan(fused="off")
    assert compared == {}


def test_real_steps_are_timed(measuring, plan):
    tried = dict(fused.choose(plan(), measuring()).reasons)["fused"].measurements
    assert [trial.value for trial in tried] == ["on", "off"]
