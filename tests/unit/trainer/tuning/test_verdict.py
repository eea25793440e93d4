"""The verdict: a trial is better than trial 0 only beyond the noise over seeds."""

import numpy as np
import pytest

from naiad.trainer.tuning.trial import Direction, Trial, TrialState
from naiad.trainer.tuning.verdict import judge, judge_without_seeds


def test_a_clear_gain_is_better():
    verdict = judge([0.80, 0.81, 0.80], [0.90, 0.905], Direction.MAXIMIZE)
    assert verdict.is_better
    assert verdict.gain == pytest.approx(0.0992, abs=1e-3)
    assert verdict.text.startswith("better than trial 0: +")


def test_a_gain_within_the_noise_is_not():
    verdict = judge([0.80, 0.84, 0.79], [0.83, 0.815], Direction.MAXIMIZE)
    assert not verdict.is_better
    assert verdict.noise > verdict.gain


def test_less_is_better_where_the_objective_is_minimized():
    assert judge([1.0, 1.01, 0.99], [0.5, 0.51], Direction.MINIMIZE).is_better
    assert not judge([0.5, 0.51, 0.52], [1.0, 1.01], Direction.MINIMIZE).is_better


def test_equal_scores_without_noise_are_not_better():
    assert not judge([0.9, 0.9, 0.9], [0.9, 0.9], Direction.MAXIMIZE).is_better
    assert judge([0.9, 0.9, 0.9], [0.91, 0.91], Direction.MAXIMIZE).is_better


def test_chance_alone_is_rarely_better():
    generator = np.random.default_rng(0)
    wrong = [
        judge(list(generator.normal(size=3)), list(generator.normal(size=2)), Direction.MAXIMIZE) for _ in range(2000)
    ]
    assert 0.01 < np.mean([verdict.is_better for verdict in wrong]) < 0.10  # 0.05 by design; few seeds are rough


def complete(*scores):
    return Trial(0, state=TrialState.COMPLETE, objective=scores[-1], curve=tuple(enumerate(scores, start=1)))


def test_without_seeds_a_fraction_has_the_error_of_its_samples():
    assert judge_without_seeds(complete(0.8), complete(0.9), Direction.MAXIMIZE, samples=1000).is_better
    assert not judge_without_seeds(complete(0.8), complete(0.82), Direction.MAXIMIZE, samples=1000).is_better


def test_without_seeds_another_score_has_the_noise_of_its_last_epochs():
    steady, rough = complete(9, 5, 3, 2.0, 1.99, 2.0, 1.98), complete(9, 5, 3, 2.0, 1.0, 2.5, 1.5)
    best = complete(1.8)
    assert judge_without_seeds(steady, best, Direction.MINIMIZE, samples=None).is_better
    assert not judge_without_seeds(rough, complete(1.2), Direction.MINIMIZE, samples=None).is_better
    short = judge_without_seeds(complete(2.0), best, Direction.MINIMIZE, samples=None)
    assert not short.is_better
    assert "trial 0 is the result" in short.text
