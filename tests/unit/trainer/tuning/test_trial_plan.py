"""The plan of a trial: trial 0's, with the trial's values and what follows from them."""

import pytest
import torch
from torch import nn

from naiad.errors import OptionError
from naiad.trainer.plan.reason import Reason
from naiad.trainer.tuning.halving import Rungs
from naiad.trainer.tuning.targets import TrialChoices
from naiad.trainer.tuning.trial_plan import TrialPlanner, check_fixed


@pytest.fixture
def make(blobs, plan):
    base = plan(reasons=(("threads", Reason("measured")),), batch_size=20, microbatch_size=20, weight_decay=0.01)

    def make_plan(*, overrides=None, rungs=(), **choices):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
        planner = TrialPlanner(base, overrides or {}, Rungs(rungs))
        return planner.make(net, blobs, TrialChoices(**choices), seed=7, number=3)

    return make_plan


def test_values_are_in_the_plan_and_the_rest_is_trial_0s(make):
    made = make(plan={"label_smoothing": 0.1})
    assert (made.label_smoothing, made.seed) == (0.1, 7)
    assert (made.learning_rate, made.optimizer, made.batch_size, made.epochs) == (0.1, "sgd", 20, 4)
    assert made.reason("label_smoothing").text == "the value of trial 3"
    assert made.reason("threads").text == "measured"


def test_the_rate_moves_with_the_batch(make):
    made = make(plan={"batch_size": 40})
    assert made.learning_rate == pytest.approx(0.2)
    assert (made.total_steps, made.microbatch_size) == (4 * 3, 40)
    assert make(plan={"batch_size": 40, "learning_rate": 0.3}).learning_rate == 0.3


def test_another_optimizer_has_its_own_rules(make):
    made = make(plan={"optimizer": "adamw"})
    assert made.learning_rate != 0.1
    assert made.weight_decay != 0.01
    assert make(plan={"optimizer": "adamw"}, overrides={"learning_rate": 0.5}).learning_rate == 0.5


def test_factors_multiply_what_the_rules_say(make):
    adamw = make(plan={"optimizer": "adamw"})
    made = make(plan={"optimizer": "adamw"}, factors={"learning_rate": 2.0, "weight_decay": 0.5})
    assert made.learning_rate == pytest.approx(2 * adamw.learning_rate)
    assert made.weight_decay == pytest.approx(adamw.weight_decay / 2)


def test_the_schedule_ends_at_the_rungs(make):
    assert make(rungs=(1, 2)).restarts == (1, 2)
    assert make(rungs=(1, 2), plan={"restarts": (3,)}).restarts == (3,)
    assert make().restarts == ()


def test_values_that_do_not_go_together_are_refused(make):
    with pytest.raises(OptionError, match="microbatch_size 64 is larger than batch_size 20"):
        make(plan={"microbatch_size": 64})


def test_a_choice_is_not_kept_and_searched_at_once():
    with pytest.raises(OptionError, match="epochs is kept as 3 and is in the space"):
        check_fixed({"epochs": 3}, ["epochs"])
