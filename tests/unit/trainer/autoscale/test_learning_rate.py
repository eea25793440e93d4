"""The range test."""

import math
from dataclasses import replace

import pytest
from torch import nn

from naiad.trainer.autoscale import learning_rate
from naiad.trainer.autoscale.learning_rate import rate_of_lowest_loss

RATES = [10 ** (-4 + step / 10) for step in range(60)]


def test_the_rate_where_the_loss_turns():
    losses = [2.0 - min(1.0, rate) if rate < 1 else rate for rate in RATES]
    assert 0.5 < rate_of_lowest_loss(RATES, losses) < 4


def test_noise_moves_it_little():
    losses = [2 - math.exp(-((math.log10(rate) + 1) ** 2)) + 0.05 * (-1) ** step for step, rate in enumerate(RATES)]
    assert 0.05 < rate_of_lowest_loss(RATES, losses) < 1


@pytest.mark.parametrize("losses", [[1.0] * 60, [1.0 + step for step in range(60)], [1.0, 0.5]])
def test_losses_that_do_not_fall_say_nothing(losses):
    assert rate_of_lowest_loss(RATES, losses) is None


def test_the_rates_that_were_tried_are_shown(make_setup, choose, plan):
    measurements = choose(learning_rate, plan(learning_rate=0.1), make_setup()).reason("learning_rate").measurements
    rates = [float(one.value) for one in measurements]
    assert rates == sorted(rates)
    assert (rates[0], rates[-1]) == (0.1 / 100, 0.1 * 20)
    assert all(float(one.result.removeprefix("loss ")) > 0 for one in measurements)


def test_a_test_that_ended_early_shows_where():
    sampled = learning_rate.sampled_losses(RATES, [2.0] * 15 + [9.0])
    assert [one.value for one in sampled] == [f"{RATES[step]:.2g}" for step in (0, 5, 15)]
    assert [one.result for one in sampled[:2]] == ["loss 2", "loss 2"]
    assert float(sampled[2].result.removeprefix("loss ")) > 2.5


def test_a_rate_that_would_lose_the_loss_is_overruled(make_setup, choose, plan):
    after = choose(learning_rate, plan(learning_rate=500.0, clip_norm=None), make_setup())
    assert after.learning_rate < 50
    assert "speaks against" in after.reason("learning_rate").text


def test_a_rate_that_hardly_moves_is_overruled(probe, make_setup, choose, plan):
    setup = make_setup(replace(probe, net=nn.Linear(5, 3)))
    after = choose(learning_rate, plan(learning_rate=0.005, batch_size=50, microbatch_size=50), setup)
    assert after.learning_rate > 0.02


def test_noise_is_not_a_fall(probe, make_setup, choose, plan):
    setup = make_setup(replace(probe, net=nn.Linear(5, 3)))
    assert choose(learning_rate, plan(learning_rate=1e-9), setup).learning_rate == 1e-9


def test_equal_seeds_equal_rates(make_setup, choose, plan):
    first, second = (choose(learning_rate, plan(learning_rate=500.0), make_setup()) for _ in range(2))
    assert first == second


def test_a_usual_rate_is_kept(make_setup, choose, plan):
    assert choose(learning_rate, plan(learning_rate=0.1), make_setup()).learning_rate == 0.1


def test_a_longer_run_has_a_lower_rate_than_the_test_found(make_setup, choose, plan):
    """The range is that of a short run, and its result is scaled as the rules scale it."""
    short_run = choose(learning_rate, plan(learning_rate=0.4), make_setup())
    long_run = choose(learning_rate, plan(learning_rate=0.1), make_setup(short_run_rate=4.0))
    short_reason, long_reason = (after.reason("learning_rate") for after in (short_run, long_run))
    assert long_reason.measurements == short_reason.measurements
    assert long_run.learning_rate == pytest.approx(short_run.learning_rate / 4, rel=0.05)  # two digits each
    assert "has its peak 4 times lower" in long_reason.measured
    assert long_reason.measured.startswith(short_reason.measured)
