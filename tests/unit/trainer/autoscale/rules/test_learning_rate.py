"""The learning rate by rule."""

import pytest
from torch import nn

from naiad.trainer.autoscale.rules.make_plan import make_plan


def test_muons_rate_falls_with_the_length_of_the_run(nets, blobs):
    rates = [make_plan(nets.recurrent(), blobs, {}, seed=0, steps=steps).learning_rate for steps in (100, 2_000, 10**6)]
    assert rates == [0.03, 0.015, 0.01]


def test_muons_rate_is_lower_in_long_runs_of_large_matrices(blobs):
    def rate(width: int, steps: int) -> float:
        net = nn.Sequential(
            nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Flatten(),
            nn.Linear(20, width), nn.Linear(width, 4), nn.Linear(4, 3),
        )  # fmt: skip
        return make_plan(net, blobs, {"optimizer": "muon"}, seed=0, steps=steps).learning_rate

    assert rate(1_024, 500) == rate(256, 500) == rate(64, 500)
    assert rate(1_024, 2_000) == pytest.approx(rate(256, 2_000) / 2) == pytest.approx(rate(64, 2_000) / 2)
    assert rate(256, 1_000) > rate(1_024, 1_000) > rate(1_024, 2_000)
    assert rate(8_000, 2_000) == rate(2_048, 2_000)


def test_a_tables_rate_falls_with_the_steps_and_the_width(blobs):
    def rate(width: int, steps: int) -> float:
        net = nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Linear(width, 3))
        return make_plan(net, blobs, {}, seed=0, steps=steps).learning_rate

    assert rate(64, 100) == 0.01
    assert rate(64, 10) == 0.02
    assert rate(64, 400) == rate(256, 100) == 0.005
    assert rate(64, 10**7) == 0.001


def test_a_linear_models_rate_lets_it_arrive_in_a_short_run(blobs):
    rates = [make_plan(nn.Linear(5, 3), blobs, {}, seed=0, steps=steps).learning_rate for steps in (10, 60, 100_000)]
    assert rates == [0.1, 0.05, 0.001]
