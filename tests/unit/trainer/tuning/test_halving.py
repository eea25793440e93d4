"""Successive halving: rungs, promotions, and what is compared with what."""

import pytest

from naiad.errors import OptionError
from naiad.trainer.tuning.halving import Rungs, best_waiting, make_rungs, promotable
from naiad.trainer.tuning.history import comparable_scores
from naiad.trainer.tuning.trial import Direction, Trial, TrialState

RUNGS = Rungs((1, 3, 9))


def trial(number, *scores, state=TrialState.PAUSED, objective=None):
    return Trial(number, state=state, objective=objective, curve=tuple(enumerate(scores, start=1)))


@pytest.mark.parametrize(
    ("epochs", "rungs"),
    [(27, (1, 3, 9)), (30, (2, 4, 10)), (10, (1, 2, 4)), (3, (1,)), (2, (1,)), (1, ()), (100, (4, 12, 34))],
)
def test_rungs_by_length(epochs, rungs):
    assert make_rungs(epochs).epochs == rungs


def test_the_best_third_goes_on():
    trials = [trial(number, number / 10) for number in range(1, 7)]
    assert promotable(trials, RUNGS, Direction.MAXIMIZE).number == 6
    assert promotable(trials, RUNGS, Direction.MINIMIZE).number == 1
    trials[5] = trial(6, 0.6, 0.6, 0.6)
    assert promotable(trials, RUNGS, Direction.MAXIMIZE).number == 5
    trials[4] = trial(5, 0.5, state=TrialState.RUNNING)
    assert promotable(trials, RUNGS, Direction.MAXIMIZE) is None


def test_a_higher_rung_comes_first():
    low = [trial(number, number / 10) for number in range(1, 7)]
    high = [trial(number, 0.5, 0.6, number / 10) for number in (7, 8, 9)]
    assert promotable([*low, *high], RUNGS, Direction.MAXIMIZE).number == 9


def test_two_trials_are_too_few():
    assert promotable([trial(1, 0.1), trial(2, 0.2)], RUNGS, Direction.MAXIMIZE) is None
    assert best_waiting([trial(1, 0.1), trial(2, 0.2)], Direction.MAXIMIZE).number == 2
    assert best_waiting([trial(1, 0.1, state=TrialState.FAILED)], Direction.MAXIMIZE) is None


def test_rungs_climb():
    with pytest.raises(OptionError, match="rising order"):
        Rungs((3, 1))


def test_a_waiting_trial_is_compared_by_what_it_would_have_at_the_end():
    complete = [
        trial(0, 0.5, 0.7, state=TrialState.COMPLETE, objective=0.8),
        trial(1, 0.4, 0.6, state=TrialState.COMPLETE, objective=0.6),
    ]
    failed = trial(4, state=TrialState.FAILED)
    scores = comparable_scores([*complete, trial(2, 0.3), trial(3, 0.7), failed], Direction.MAXIMIZE)
    assert scores[2] == pytest.approx(0.3 + 0.25)  # the median gain of the complete ones after epoch 1
    assert scores[3] == 0.8  # never better than the best
    assert scores[4] == min(scores.values())


def test_without_complete_trials_scores_are_as_they_are():
    assert comparable_scores([trial(1, 0.3), trial(2, 0.1, 0.4)], Direction.MAXIMIZE) == {1: 0.3, 2: 0.4}
    assert comparable_scores([trial(1, state=TrialState.FAILED)], Direction.MAXIMIZE) == {}
