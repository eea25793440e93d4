"""Muon where the seconds of its update are repaid."""

from dataclasses import replace

import pytest

from naiad.trainer.autoscale import optimizer
from naiad.trainer.autoscale.budget import BudgetError
from naiad.trainer.autoscale.rules.optimizer import MUON_COST
from naiad.trainer.machine import device
from naiad.trainer.plan.reason import Reason

STEP_S = 0.004


@pytest.fixture(autouse=True)
def without_bf16(monkeypatch):
    monkeypatch.setattr(device, "has_bf16", lambda _: False)


@pytest.fixture
def rules(plan):
    """Rules that say another learning rate for each optimizer."""
    rates = {"muon": 0.03, "sgd": 0.1}

    def ruled(steps, fixed):
        made = plan(total_steps=steps, learning_rate=rates[fixed["optimizer"]], muon_precision="fp32", **fixed)
        return replace(made, reasons=(("learning_rate", Reason("its usual peak")),))

    return ruled


@pytest.fixture
def timed_choice(scripted, make_setup, choose, rules):
    """A function that has the optimizer chosen, where Muon's update takes ``cost`` times the step without it."""

    def run(plan, cost, **more):
        def seconds(tried):
            slow = 50 if tried.muon_precision == "bf16" else 1
            return STEP_S * (1 + (cost * slow if tried.optimizer == "muon" else 0))

        setup = make_setup(scripted(seconds), rules=rules, optimizers=("muon", "sgd"), **more)
        return choose(optimizer, plan, setup, STEP_S)

    return run


@pytest.mark.parametrize(("cost", "expected", "rate"), [(0.1, "muon", 0.01), (1.2 * MUON_COST, "sgd", 0.1)])
def test_seconds_decide_whether_muon_pays(plan, timed_choice, cost, expected, rate):
    after = timed_choice(plan(optimizer="muon", muon_precision="fp32", learning_rate=0.01), cost)
    assert (after.optimizer, after.learning_rate) == (expected, rate)
    assert f"{cost:.2g} times" in after.reason("optimizer").measured
    assert len(after.reason("optimizer").measurements) == 2


def test_muon_is_taken_where_only_the_count_spoke_against_it(plan, timed_choice):
    after = timed_choice(plan(optimizer="sgd", learning_rate=0.2, muon_precision="fp32"), 0.5)
    assert (after.optimizer, after.learning_rate) == ("muon", 0.03)


def test_the_users_learning_rate_is_kept(plan, timed_choice):
    after = timed_choice(
        plan(optimizer="muon", muon_precision="fp32", learning_rate=0.2), 9.0, unmeasured=["learning_rate"]
    )
    assert (after.optimizer, after.learning_rate) == ("sgd", 0.2)


def test_the_faster_number_format_is_taken(monkeypatch, plan, timed_choice):
    monkeypatch.setattr(device, "has_bf16", lambda _: True)
    after = timed_choice(plan(optimizer="muon", muon_precision="bf16"), 0.1)
    assert (after.optimizer, after.muon_precision) == ("muon", "fp32")


def test_nothing_is_timed_where_the_rules_name_no_other(plan, scripted, make_setup, choose):
    probe = scripted(lambda _: STEP_S)
    assert choose(optimizer, plan(), make_setup(probe)) == plan()
    assert probe.timed == []


def test_a_small_budget_is_not_spent(plan, timed_choice):
    with pytest.raises(BudgetError):
        timed_choice(plan(optimizer="muon"), 0.1, budget_s=STEP_S)
