"""Suggestions of every strategy: inside the space, new, repeatable, and better with what is known."""

import math

import pytest

from naiad.errors import OptionError
from naiad.trainer.tuning.constraint import Constraint
from naiad.trainer.tuning.expected_gain import expect
from naiad.trainer.tuning.history import History
from naiad.trainer.tuning.optuna_study import compute_importance
from naiad.trainer.tuning.space import make_space
from naiad.trainer.tuning.space_text import parse_dimension
from naiad.trainer.tuning.suggest import Strategy, check_constraints, read_strategy, suggest
from naiad.trainer.tuning.trial import Direction, Trial, TrialState


def space_of(constraints=(), **dimensions):
    parsed = [parse_dimension(name, text) for name, text in dimensions.items()]
    return make_space(parsed, [Constraint(text) for text in constraints])


SPACE = space_of(lr="log:1e-4:1", width="logint:8:256", activation="relu,gelu", decay="reverse_log:0.9:0.999")


def objective(values):
    """Best at lr 0.01 with gelu."""
    return -((math.log10(values["lr"]) + 2) ** 2) - 0.3 * (values["activation"] == "relu")


def search(strategy, trials, seed=0, space=SPACE, score=objective):
    history = History()
    for number in range(trials):
        (values,) = suggest(space, history, strategy=strategy, seed=seed, count=1, start_number=number).values
        done = Trial(number, values, TrialState.COMPLETE, score(values))
        history = History((*history.trials, done))
    return history


STRATEGIES = [one for one in Strategy if one is not Strategy.GRID]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_suggestions_are_inside_and_repeatable(strategy):
    trials, again = search(strategy, 12).trials, search(strategy, 12).trials
    assert [trial.values for trial in trials] == [trial.values for trial in again]
    assert all(SPACE.dimension(name).contains(value) for trial in trials for name, value in trial.values.items())
    assert len({tuple(trial.values.values()) for trial in trials}) == 12
    assert search(strategy, 12, seed=1).trials[3].values != trials[3].values


@pytest.mark.parametrize("strategy", [Strategy.GP, Strategy.TPE])
def test_a_model_finds_more_than_chance(strategy):
    def best(used):
        return sum(max(trial.objective for trial in search(used, 24, seed).trials) for seed in range(3))

    assert best(strategy) > best(Strategy.RANDOM)


def test_running_trials_are_not_suggested_again():
    history = search(Strategy.GP, 12)
    suggestion = suggest(SPACE, history, strategy=Strategy.GP, seed=0, count=3, start_number=12)
    rates = [math.log10(values["lr"]) for values in suggestion.values]
    assert len({round(rate, 3) for rate in rates}) == 3


@pytest.mark.parametrize("strategy", [Strategy.GRID, Strategy.RANDOM, Strategy.GP, Strategy.QMC])
def test_a_finite_space_is_searched_once_and_exhausted(strategy):
    space, history = space_of(a="x,y", b="int:1:3"), History()
    suggestion = suggest(space, history, strategy=strategy, seed=0, count=10, start_number=0)
    assert suggestion.is_exhausted
    assert len({tuple(values.items()) for values in suggestion.values}) == len(suggestion.values) == 6


@pytest.mark.parametrize("strategy", [Strategy.RANDOM, Strategy.QMC, Strategy.GP])
def test_constraints_are_met(strategy):
    space = space_of(["a + b <= 0.6"], a="0:1.0", b="0:1.0")
    trials = search(strategy, 8, space=space, score=lambda values: values["a"] + values["b"]).trials
    assert all(trial.values["a"] + trial.values["b"] <= 0.6 for trial in trials)


def test_a_constraint_that_nothing_meets_is_told():
    with pytest.raises(OptionError, match="meets the constraints"):
        suggest(space_of(["a > 2"], a="0:1.0"), History(), strategy=Strategy.RANDOM, seed=0, count=1, start_number=0)


@pytest.mark.parametrize("strategy", [Strategy.GP, Strategy.TPE, Strategy.RANDOM])
def test_a_conditional_dimension_has_a_value_where_it_counts(strategy):
    space = space_of(optimizer="sgd,adamw", momentum="0.8:0.99 if optimizer=sgd", lr="log:0.001:1")
    trials = search(strategy, 14, space=space, score=lambda values: -abs(math.log10(values["lr"]) + 1)).trials
    assert {("momentum" in trial.values) == (trial.values["optimizer"] == "sgd") for trial in trials} == {True}
    assert {trial.values["optimizer"] for trial in trials} == {"sgd", "adamw"}


def test_names_of_strategies():
    assert read_strategy("Bayesian") is Strategy.GP
    with pytest.raises(OptionError, match="'gpp' is not known"):
        read_strategy("gpp")


def test_the_first_trials_keep_about_half_of_what_is_known():
    anchor = {"lr": 0.01, "width": 32, "activation": "gelu", "decay": 0.95}
    first = suggest(SPACE, History(), strategy=Strategy.GP, seed=0, count=6, start_number=1, anchor=anchor).values
    kept = [sum(values[name] == value for name, value in anchor.items()) for values in first]
    assert 6 <= sum(kept) <= 18
    assert max(kept) < 4


def test_trials_of_an_earlier_search_count():
    prior = search(Strategy.RANDOM, 20).trials
    (values,) = suggest(SPACE, History(prior=prior), strategy=Strategy.GP, seed=0, count=1, start_number=0).values
    assert 1e-3 < values["lr"] < 1e-1


def test_importance_names_what_matters():
    history = search(Strategy.RANDOM, 40)
    importance = compute_importance(SPACE, history.scored(SPACE), Direction.MAXIMIZE)
    assert next(iter(importance)) == "lr"
    assert sum(importance.values()) == pytest.approx(1.0)
    assert compute_importance(SPACE, history.scored(SPACE)[:3], Direction.MAXIMIZE) == {}


def test_less_is_expected_the_longer_a_search_goes():
    early, late = (expect(SPACE, search(Strategy.GP, trials)) for trials in (8, 40))
    assert early.gain is not None
    assert late.gain is not None
    assert late.gain < early.gain
    assert expect(SPACE, search(Strategy.GP, 4)).gain is None


def test_equal_scores_are_a_search_that_has_converged():
    history = search(Strategy.RANDOM, 10, score=lambda _: 0.5)
    assert expect(SPACE, history).is_converged


@pytest.mark.parametrize("strategy", [Strategy.GP, Strategy.TPE])
def test_no_trial_is_suggested_twice_though_another_dimension_has_no_end(strategy):
    """adamw alone is one combination, however many momenta sgd has."""
    space = space_of(optimizer="sgd,adamw", momentum="0.8:0.99 if optimizer=sgd")
    trials = search(strategy, 16, space=space, score=lambda values: values["optimizer"] == "adamw").trials
    assert sum(trial.values["optimizer"] == "adamw" for trial in trials) == 1


def test_one_score_that_nearly_diverged_does_not_hide_the_others():
    def score(values):
        rate = math.log10(values["lr"])
        return -1e6 * (rate + 1) if rate > -1 else -((rate + 2) ** 2)

    space = space_of(lr="log:1e-5:10", dropout="0:0.5")
    assert max(trial.objective for trial in search(Strategy.GP, 20, space=space, score=score).trials) > -0.01


def test_constraints_are_checked_before_the_first_trial():
    for constraint, dimensions in (("a > 2", {"a": "0:1.0"}), ("n > 9", {"n": "int:1:3"})):
        with pytest.raises(OptionError, match=f"meets the constraints '{constraint}'"):
            check_constraints(space_of([constraint], **dimensions))
    with pytest.raises(OptionError, match="compares a number with a name"):
        check_constraints(space_of(["a < b"], a="0:1.0", b="x,y"))
    check_constraints(space_of(["a < 0.5"], a="0:1.0"))
    check_constraints(SPACE)
