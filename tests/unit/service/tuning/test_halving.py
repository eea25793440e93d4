from tuning_world import make_trial

from naiad.service.domain.tuning import Trial, TrialState
from naiad.service.tuning.halving import is_beaten, promotable, rung_epochs


def paused(number: int, **rungs: float) -> Trial:
    values = {int(epoch.removeprefix("at")): value for epoch, value in rungs.items()}
    return make_trial(number, TrialState.PAUSED, values[max(values)], rungs=values)


def test_rungs_are_thirds_of_a_whole_trial() -> None:
    assert rung_epochs(27) == (1, 3, 9)
    assert rung_epochs(100) == (4, 12, 34)
    assert rung_epochs(100, first=10) == (12, 34)
    assert rung_epochs(2) == (1,)
    assert rung_epochs(1) == ()
    assert rung_epochs(10, first=8) == (8,)


def test_the_best_third_of_a_rung_goes_on() -> None:
    trials = [paused(number, at1=value) for number, value in enumerate((0.5, 0.9, 0.1), 1)]
    assert [one.number for one in promotable(trials, is_maximized=True)] == [2]
    assert [one.number for one in promotable(trials, is_maximized=False)] == [3]
    assert promotable(trials[:2], is_maximized=True) == []


def test_a_higher_rung_comes_first_and_a_promoted_trial_is_not_promoted_again() -> None:
    low = [paused(number, at1=0.1 * number) for number in range(1, 4)]
    high = [paused(number, at1=1.0, at3=0.1 * number) for number in range(4, 7)]
    assert [one.number for one in promotable([*low, *high], is_maximized=True)] == [6]
    gone_on = [make_trial(9, TrialState.ACTIVE, 2.0, rungs={1: 2.0}), paused(1, at1=0.5), paused(2, at1=0.4)]
    assert promotable(gone_on, is_maximized=True) == []


def test_of_equal_trials_the_first_goes_on() -> None:
    trials = [paused(number, at1=0.5) for number in (3, 1, 2)]
    assert [one.number for one in promotable(trials, is_maximized=True)] == [1]


def test_a_program_that_cannot_pause_is_beaten_when_others_were_better() -> None:
    trials = [make_trial(number, rungs={1: value}) for number, value in enumerate((0.5, 0.9, 0.1), 1)]
    assert [is_beaten(one, trials, is_maximized=True) for one in trials] == [True, False, True]
    assert not is_beaten(trials[0], trials[:2], is_maximized=True)
    assert not is_beaten(make_trial(7), trials, is_maximized=True)
