"""The range test."""

import math

import pytest
from torch import nn

from naiad.trainer.autoscale import learning_rate
from naiad.trainer.autoscale.bench import Bench
from naiad.trainer.autoscale.learning_rate import rate_of_lowest_loss

RATES = [10 ** (-4 + step / 10) for step in range(60)]


def test_the_rate_where_the_loss_turns():
    losses = [2.0 - min(1.0, rate) if rate < 1 else rate for rate in RATES]
    assert 0.5 < rate_of_lowest_loss(RATES, losses) < 4


def test_noise_moves_it_little():
    losses = [2 - math.exp(-((math.log10(rate) + 1) ** 2)) + 0.05 * (-1) ** step for step, rate in enumerate(RATES)]
    assert 0.05 < rate_of_lowest_loss(RATES, losses) < 1


@pytest.mark.parametrize("losses", [[1.0] * 60, [1.0 + step for step in range(60)], [1.0, 0.5]])
def test_where_nothing_is_learnt_nothing_is_said(losses):
    assert rate_of_lowest_loss(RATES, losses) is None


def test_what_was_tried_is_shown(measuring, plan):
    tried = dict(learning_rate.choose(plan(learning_rate=0.1), measuring()).reasons)["learning_rate"].measurements
    rates = [float(trial.value) for trial in tried]
    assert rates == sorted(rates)
    assert (rates[0], rates[-1]) == (0.1 / 100, 0.1 * 20)
    assert all(float(trial.measured.removeprefix("loss ")) > 0 for trial in tried)


def test_a_test_that_ended_early_shows_where():
    shown = learning_rate.shown(RATES, [2.0] * 15 + [9.0])
    assert [trial.value for trial in shown] == [f"{RATES[step]:.2g}" for step in (0, 5, 15)]
    assert [trial.measured for trial in shown[:2]] == ["loss 2", "loss 2"]
    assert float(shown[2].measured.removeprefix("loss ")) > 2.5


def test_a_rate_that_would_lose_the_loss_is_overruled(bench, measuring, plan):
    found = learning_rate.choose(plan(learning_rate=500.0, clip_norm=None), measuring())
    assert found.learning_rate < 50
    assert "speaks against" in dict(found.reasons)["learning_rate"].text


def test_a_rate_that_hardly_moves_is_overruled(blobs, bench, measuring, plan):
    of = Bench(nn.Linear(5, 3), blobs.features, bench.loss, blobs.train)
    found = learning_rate.choose(plan(learning_rate=0.005, batch_size=50, microbatch_size=50), measuring(of))
    assert found.learning_rate > 0.02


def test_noise_is_no_fall(blobs, bench, measuring, plan):
    of = Bench(nn.Linear(5, 3), blobs.features, bench.loss, blobs.train)
    assert learning_rate.choose(plan(learning_rate=1e-9), measuring(of)).learning_rate == 1e-9


def test_equal_seeds_equal_rates(measuring, plan):
    first, second = (learning_rate.choose(plan(learning_rate=500.0), measuring()) for _ in range(2))
    assert first == second


def test_a_usual_rate_is_kept(measuring, plan):
    assert learning_rate.choose(plan(learning_rate=0.1), measuring()).learning_rate == 0.1


def test_a_longer_run_is_given_less_than_the_test_found(bench, measuring, plan):
    """The range is that of a short run, and what it says of one is scaled as the rules scale it."""
    usual, long = measuring(), measuring()
    long.shorter_rate = 4.0
    short_run = learning_rate.choose(plan(learning_rate=0.4), usual)
    long_run = learning_rate.choose(plan(learning_rate=0.1), long)
    short_reason, long_reason = (dict(of.reasons)["learning_rate"] for of in (short_run, long_run))
    assert long_reason.measurements == short_reason.measurements
    assert long_run.learning_rate == pytest.approx(short_run.learning_rate / 4, rel=0.05)  # two digits each
    assert "has its peak 4 times lower" in long_reason.measured
    assert long_reason.measured.startswith(short_reason.measured)
