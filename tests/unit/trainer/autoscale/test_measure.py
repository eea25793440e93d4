"""Every choice, measured for real on a small network."""

from dataclasses import replace

import torch
from torch import nn

from naiad.trainer.autoscale.measure import CHOICES, RUN_CHOICES, STEP_CHOICES, measure_choices
from naiad.trainer.autoscale.measurement_setup import TimedPlan
from naiad.trainer.plan import plan as plan_module

ALL_CHOICES = {**STEP_CHOICES, **RUN_CHOICES}


def test_the_measured_choices_are_those_that_the_plan_names():
    assert set(CHOICES) == {name for name, choice in plan_module.CHOICES.items() if choice.is_measured}


def test_choices_that_are_not_named_stay(make_setup, plan):
    setup = make_setup(unmeasured=("learning_rate",))
    names = set(CHOICES) - {"learning_rate", "compile"}
    after = measure_choices(TimedPlan(plan(learning_rate=0.123), 0.001), ALL_CHOICES, names, setup).timed.plan
    assert after.learning_rate == 0.123
    assert setup.budget.spent_s > 0
    assert after.reason("batch_size").measurements
    assert not after.reason("learning_rate").text


def test_without_a_budget_nothing_changes_and_nothing_is_left_to_a_later_run(make_setup, plan):
    names = set(CHOICES) - {"batch_size", "compile"}
    measured = measure_choices(TimedPlan(plan(), 0.001), ALL_CHOICES, names, make_setup(budget_s=0.0))
    assert measured.timed == TimedPlan(plan(), 0.001)
    assert measured.answered == names


def test_a_choice_that_fails_stays_as_it_is_and_says_so(make_setup, plan):
    def fails(*_):
        raise MemoryError("no room\nfor this")

    choices = {
        "threads": fails,
        "batch_size": lambda timed, _: replace(timed, plan=replace(timed.plan, batch_size=5)),
    }
    measured = measure_choices(TimedPlan(plan(), 0.001), choices, set(choices), make_setup())
    assert (measured.timed.plan.threads, measured.timed.plan.batch_size) == (1, 5)
    assert measured.notes == {"threads": "could not be measured: MemoryError: no room"}
    assert measured.answered == {"batch_size"}


def test_a_choice_that_the_budget_has_no_room_for_says_so(make_setup, plan):
    measured = measure_choices(TimedPlan(plan(), 0.001), RUN_CHOICES, RUN_CHOICES, make_setup(budget_s=0.001))
    assert measured.notes["learning_rate"] == "not measured: no room in the budget"


def test_a_network_whose_layers_drop_out_is_measured(probe, make_setup, plan):
    class Dropping(nn.Sequential):
        def forward(self, inputs):
            hidden = self[0](inputs)
            return self[2](hidden + self[1](hidden) if torch.rand(()) < 0.5 else hidden)

    net = Dropping(nn.Linear(5, 8), nn.Linear(8, 8), nn.Linear(8, 3))
    names = set(CHOICES) - {"compile"}
    setup = make_setup(replace(probe, net=net))
    measured = measure_choices(TimedPlan(plan(), 0.001), ALL_CHOICES, names, setup)
    assert measured.timed.plan.reason("batch_size").measured.startswith("gradient noise scale")
    assert not measured.notes
