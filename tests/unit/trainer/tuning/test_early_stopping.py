"""The median rule, as SageMaker documents it."""

import pytest

from naiad.errors import OptionError
from naiad.trainer.tuning.early_stopping import median_rule
from naiad.trainer.tuning.trial import Direction, Trial, TrialState


def complete(number, *scores):
    return Trial(number, state=TrialState.COMPLETE, objective=scores[-1], curve=tuple(enumerate(scores, start=1)))


EARLIER = [
    complete(number, number / 10, number / 10 + 0.1) for number in range(5)
]  # running averages 0.05, 0.15 … 0.45


@pytest.mark.parametrize(("score", "is_stop"), [(0.24, True), (0.25, False), (0.9, False)])
def test_a_trial_below_the_median_of_running_averages_is_stopped(score, is_stop):
    decision = median_rule([*EARLIER, Trial(9, curve=((1, 0.0), (2, score)))], 9, Direction.MAXIMIZE)
    assert decision.is_stop is is_stop
    assert "running averages 0.25" in decision.reason


def test_less_is_better_where_the_objective_is_minimized():
    assert median_rule([*EARLIER, Trial(9, curve=((1, 1.0), (2, 0.9)))], 9, Direction.MINIMIZE).is_stop


def test_few_trials_stop_none():
    decision = median_rule([*EARLIER[:4], Trial(9, curve=((1, 0.0), (2, 0.0)))], 9, Direction.MAXIMIZE)
    assert not decision.is_stop
    assert "4 complete trials" in decision.reason


def test_the_first_epoch_stops_none():
    assert not median_rule([*EARLIER, Trial(9, curve=((1, 0.0),))], 9, Direction.MAXIMIZE).is_stop


def test_an_unknown_trial_is_refused():
    with pytest.raises(OptionError, match="no trial 7"):
        median_rule(EARLIER, 7, Direction.MAXIMIZE)
