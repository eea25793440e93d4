"""The learning rate at each step of a schedule."""

from dataclasses import replace

import pytest

from naiad.trainer.optim.schedule import learning_rate_at
from naiad.trainer.plan.plan import Plan

PLAN = Plan(
    epochs=1, total_steps=100, time_limit_s=None, checkpoint_steps=10, batch_size=4, microbatch_size=4, optimizer="sgd",
    learning_rate=0.5, momentum=0.9, weight_decay=0.0, schedule="one-cycle", warmup_fraction=0.2, clip_norm=None,
    label_smoothing=0.0, augment=(), precision="fp32", memory_format="contiguous", feed="memory", keep_weights="last",
    ema=None, clusters=None, device="cpu", threads=1, seed=0,
)  # fmt: skip


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
def test_the_rate_climbs_to_the_peak_and_falls_towards_zero(schedule):
    rates = [learning_rate_at(step, replace(PLAN, schedule=schedule)) for step in range(100)]
    assert rates.index(max(rates)) == 20
    assert max(rates) == 0.5
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert 0 < rates[0] < 0.05
    assert 0 < rates[-1] < 0.01


def test_a_constant_schedule_is_constant():
    assert {learning_rate_at(step, replace(PLAN, schedule="constant")) for step in range(200)} == {0.5}


def test_a_constant_rate_falls_at_the_end():
    rates = [learning_rate_at(step, replace(PLAN, schedule="constant-decay")) for step in range(100)]
    assert set(rates[20:84]) == {0.5}
    assert rates[84:] == sorted(rates[84:], reverse=True)
    assert 0 < rates[-1] < 0.05


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine", "constant-decay"])
def test_each_cycle_has_the_whole_shape(schedule):
    plan = replace(PLAN, schedule=schedule, epochs=10, restarts=(1, 3))
    rates = [learning_rate_at(step, plan) for step in range(100)]
    for first, last in ((0, 10), (10, 30), (30, 100)):
        cycle = replace(PLAN, schedule=schedule, total_steps=last - first)
        assert rates[first:last] == [learning_rate_at(step, cycle) for step in range(last - first)]


def test_a_restart_at_the_end_is_none():
    plan = replace(PLAN, epochs=4, restarts=(4, 9))
    assert [learning_rate_at(step, plan) for step in range(100)] == [
        learning_rate_at(step, PLAN) for step in range(100)
    ]


def test_a_run_of_one_step_has_a_rate():
    assert 0 < learning_rate_at(0, replace(PLAN, total_steps=1)) <= 0.5


def test_a_plan_survives_json():
    assert Plan.from_json(PLAN.to_json()) == PLAN
