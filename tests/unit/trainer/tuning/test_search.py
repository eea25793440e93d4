"""The search on recorded learning curves: what it finds, in how much of the time, and what it never does."""

import statistics
from dataclasses import replace

import pytest
from curve_table import TablePool, read_table

from naiad.errors import TrainingError
from naiad.trainer.tuning.halving import Rungs, make_rungs
from naiad.trainer.tuning.objective import Objective
from naiad.trainer.tuning.search import Search
from naiad.trainer.tuning.search_settings import BASE, Ending, SearchSettings
from naiad.trainer.tuning.study_folder import open_study_folder
from naiad.trainer.tuning.suggest import Strategy
from naiad.trainer.tuning.trial import Direction, Trial, TrialState
from naiad.trainer.tuning.trial_run import JobOutcome
from naiad.trainer.tuning.watcher import SilentWatcher

ACCURACY = Objective("accuracy", Direction.MAXIMIZE)


@pytest.fixture(scope="module")
def table():
    return read_table()


@pytest.fixture
def make_search(table, tmp_path):
    def make(name="study", *, size=1, pool=None, resume=False, halved=True, watcher=None, **settings):
        folder = open_study_folder(tmp_path / name, resume=resume)
        folder.lock()
        if not resume:
            folder.write_settings({})
        pool = pool or TablePool(table, size)
        rungs = make_rungs(table.epochs) if halved else Rungs()
        chosen = SearchSettings(table.space, ACCURACY, table.epochs, rungs, **{"most_trials": 30, **settings})
        return Search(chosen, folder, pool, watcher or SilentWatcher(), pool.clock)

    return make


def tuned_scores(search):
    """(score, seconds) of the complete trials besides trial 0, whose network is wider than any of the table's."""
    return [(one.objective, one.ended_s) for one in search.trials if one.objective is not None and one.number != BASE]


def seconds_to(search, score):
    return min((seconds for reached, seconds in tuned_scores(search) if reached >= score), default=float("inf"))


def test_the_table_is_one_of_real_curves(table):
    assert len(table.curves) >= 100
    assert table.epochs >= 9
    finals = [curve.scores[-1] for curve in table.curves.values()]
    assert max(finals) - min(finals) > 0.1


@pytest.mark.slow
def test_random_search_is_beaten_in_a_third_of_its_time(make_search):
    ratios = []
    for seed in range(5):
        random = make_search(f"random-{seed}", strategy=Strategy.RANDOM, halved=False, seed=seed, most_trials=50)
        random.run()
        best = max(score for score, _ in tuned_scores(random))
        ours = make_search(f"ours-{seed}", seed=seed, most_trials=90)
        ours.run()
        ratios.append(seconds_to(ours, best) / random.pool.now)
    assert statistics.median(ratios) <= 1 / 3


def test_thirty_trials_take_a_fraction_of_the_time_of_random_search(make_search, table):
    random = make_search("random", strategy=Strategy.RANDOM, halved=False)
    random.run()
    ours = make_search("ours")
    ours.run()
    assert ours.pool.now < 0.45 * random.pool.now
    assert max(score for score, _ in tuned_scores(ours)) >= table.best - 0.01


@pytest.mark.parametrize("size", [1, 2, 5])
def test_no_epoch_is_trained_twice(make_search, size):
    search = make_search(size=size)
    assert search.run() is Ending.TRIALS
    assert len(search.pool.trained) == len(set(search.pool.trained))
    assert search.folder.trained_twice == 0
    assert len(search.trials) == 30
    assert {trial.state for trial in search.trials} == {TrialState.COMPLETE, TrialState.PAUSED}


def test_trial_0_is_the_untuned_plan_and_is_never_paused(make_search, table):
    search = make_search()
    search.run()
    base = search.trials[BASE]
    assert base.objective == table.base.scores[-1]
    assert base.paused_at == 0
    assert search.best().objective >= base.objective


def test_retraining_promoted_trials_would_take_longer(make_search):
    search = make_search(most_trials=50)
    search.run()
    rungs = search.settings.rungs.epochs
    again = sum(rung for trial in search.trials for rung in rungs if rung <= trial.paused_at and trial.epoch > rung)
    assert (len(search.pool.trained) + again) / len(search.pool.trained) > 1.15


def test_a_search_that_is_resumed_ends_like_one_that_was_not(make_search, table):
    whole = make_search("whole")
    whole.run()

    class Killed(TablePool):
        def wait(self, on_epoch, timeout_s=None):
            if len(self.trained) > 60:
                raise ConnectionAbortedError
            return super().wait(on_epoch)

    killed = make_search("killed", pool=Killed(table))
    with pytest.raises(ConnectionAbortedError):
        killed.run()
    killed.folder.close()
    pool = TablePool(table)
    pool._at = dict(killed.pool._at)  # the checkpoints
    again = make_search("killed", pool=pool, resume=True)
    assert again.run() is Ending.TRIALS
    assert [trial.values for trial in again.trials] == [trial.values for trial in whole.trials]
    assert [trial.curve for trial in again.trials] == [trial.curve for trial in whole.trials]
    assert again.folder.trained_twice == 0


def test_a_time_limit_ends_the_search_in_time(make_search, table):
    *_, poor = sorted(table.curves.values(), key=lambda curve: -curve.scores[-1])[:100]
    poor_base = replace(table, base=poor)
    limit_s = 12 * table.epochs * poor.epoch_s
    search = make_search(pool=TablePool(poor_base), most_trials=None, ends_at=limit_s, confirmation_seeds=2)
    assert search.run() is Ending.TIME
    assert search.best().number != BASE
    confirmation_s = 2 * (search.trials[BASE].seconds + search.best().seconds)
    assert search.confirmation_s(search.best()) == pytest.approx(confirmation_s)
    assert limit_s / 2 < search.pool.now <= limit_s


def test_where_nothing_is_to_be_confirmed_the_search_has_all_the_time(make_search, table):
    best_base = replace(table, base=replace(table.base, scores=(1.0,) * table.epochs, epoch_s=0.01))
    search = make_search(pool=TablePool(best_base), most_trials=None, ends_at=4.0, confirmation_seeds=2)
    assert search.run() is Ending.TIME
    assert 3.5 < search.pool.now <= 4.0


def test_a_search_ends_by_itself_when_nothing_is_to_be_gained(make_search):
    search = make_search(most_trials=None, until_gain=0.5)
    search._expected_at = -1e9
    assert search.run() is Ending.GAIN
    assert len(search.trials) < 40


def test_a_small_space_is_exhausted(make_search, table):
    search = make_search(most_trials=10_000, strategy=Strategy.GRID)
    assert search.run() is Ending.EXHAUSTED
    assert len(search.trials) == len(table.curves) + 1


def test_what_earlier_searches_found_comes_first(make_search, table):
    best = max(table.curves.values(), key=lambda curve: curve.scores[-1]).values
    search = make_search(proposals=(best,), most_trials=3)
    search.run()
    assert search.trials[1].values == best


def test_one_trial_besides_trial_0_is_complete(make_search):
    search = make_search(most_trials=2)
    search.run()
    assert [trial.state for trial in search.trials] == [TrialState.COMPLETE, TrialState.COMPLETE]


def test_a_repetition_is_made_once(make_search):
    search = make_search(most_trials=4)
    search.run()
    assert search.repeat(BASE, [1, 2], stop_at=None)
    before = len(search.folder.trials)
    assert search.repeat(BASE, [1, 2], stop_at=None)
    assert len(search.folder.trials) == before
    assert len(search.repetitions(BASE)) == 2
    assert len(search.trials) == 4


def test_a_repetition_that_was_cut_off_goes_on(make_search):
    search = make_search(most_trials=2)
    search.run()
    search.folder.record(Trial(9, search.trials[1].values, seed=1, repeat_of=1, curve=((1, 0.5),)))
    assert search.repeat(1, [1, 2], stop_at=None)
    assert {(trial.number, trial.seed) for trial in search.folder.trials.values() if trial.repeat_of == 1} == {
        (9, 1),
        (10, 2),
    }


class Failing(TablePool):
    """Fails trials by number."""

    failing = frozenset()

    def wait(self, on_epoch, timeout_s=None):
        outcomes = super().wait(on_epoch)
        return [
            JobOutcome(one.number, TrialState.FAILED, reason="the loss is not finite")
            if one.number in self.failing
            else one
            for one in outcomes
        ]


def test_a_trial_that_fails_is_recorded_and_the_search_goes_on(make_search, table):
    pool = Failing(table)
    pool.failing = frozenset(range(1, 30, 2))
    search = make_search(pool=pool)
    assert search.run() is Ending.TRIALS
    assert search.trials[1].reason == "the loss is not finite"
    assert search.best().objective > 0


def test_trial_0_must_not_fail(make_search, table):
    pool = Failing(table)
    pool.failing = frozenset({BASE})
    with pytest.raises(TrainingError, match="the untuned run fails: the loss is not finite"):
        make_search(pool=pool).run()


def test_an_interruption_ends_the_search_with_the_best_so_far(make_search, table):
    class Interrupted(TablePool):
        def wait(self, on_epoch, timeout_s=None):
            if len(self.trained) > 60:
                raise KeyboardInterrupt
            return super().wait(on_epoch)

        def stop(self, on_epoch):
            return [JobOutcome(number, TrialState.STOPPED, reason="the search ended") for _, number, _, _ in self._ends]

    search = make_search(pool=Interrupted(table))
    assert search.run() is Ending.INTERRUPTED
    assert search.best() is not None
    assert not any(trial.state is TrialState.RUNNING for trial in search.trials)


def test_scores_are_compared_in_the_right_direction(make_search):
    search = make_search(most_trials=3)
    search.run()
    search.folder.trials[50] = Trial(50, state=TrialState.COMPLETE, objective=0.0)
    assert search.best().number != 50
