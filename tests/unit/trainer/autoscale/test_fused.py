"""The fused update against the loop over weights."""

import pytest

from naiad.trainer.autoscale import fused
from naiad.trainer.autoscale.budget import BudgetError


def test_the_faster_update_is_chosen(scripted, make_setup, choose, plan):
    probe = scripted(lambda tried: {"on": 0.004, "off": 0.003}[tried.fused])
    assert choose(fused, plan(), make_setup(probe)).fused == "off"


def test_a_run_that_is_too_short_to_repay_it_is_not_measured(scripted, make_setup, choose, plan):
    probe = scripted(lambda _: 0.004)
    with pytest.raises(BudgetError):
        choose(fused, plan(), make_setup(probe, budget_s=0.004 * 150), step_s=0.004)
    assert probe.timed == []


def test_an_update_that_torch_cannot_fuse_is_not_tried(scripted, make_setup, choose, plan):
    probe = scripted(lambda _: 0.004)
    assert choose(fused, plan(fused="off"), make_setup(probe)) == plan(fused="off")
    assert probe.timed == []


def test_real_steps_are_timed(make_setup, choose, plan):
    measurements = choose(fused, plan(), make_setup()).reason("fused").measurements
    assert [one.value for one in measurements] == ["on", "off"]
