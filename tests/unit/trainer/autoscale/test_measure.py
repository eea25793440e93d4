"""Every choice, measured for real on a small network."""

from dataclasses import replace

import torch
from torch import nn

from naiad.trainer.autoscale import measure as tuning
from naiad.trainer.autoscale.measure import CHOICES, tune


def test_what_is_pinned_stays_and_what_is_not_is_told(measuring, plan):
    before = plan(learning_rate=0.123, epochs=4)
    measure = measuring(pinned=("learning_rate", "compile"))
    found = tune(before, measure)
    assert found.learning_rate == 0.123
    assert measure.budget.spent_s > 0
    reasons = dict(found.reasons)
    assert reasons["batch_size"].measurements
    assert "learning_rate" not in reasons or reasons["learning_rate"].text.startswith("moved")


def test_without_a_budget_nothing_changes(measuring, plan):
    assert tune(plan(), measuring(budget_s=0.0)) == plan()


def test_what_is_known_is_not_asked(measuring, plan):
    measure = measuring(pinned=("batch_size",))
    assert tune(plan(), measure, known=frozenset(CHOICES)) == plan()
    assert not measure.answered


def test_what_was_asked_is_answered(measuring, plan):
    measure = measuring(pinned=("batch_size", "compile"), budget_s=0.0)
    tune(plan(), measure)
    assert measure.answered == set(CHOICES) - {"batch_size", "compile"}, "no purse of none would pay for more"


def test_a_choice_that_fails_stays_as_it_is_and_says_so(measuring, plan, monkeypatch):
    def fails(*_):
        raise MemoryError("no room\nfor this")

    monkeypatch.setattr(
        tuning, "CHOICES", {"threads": fails, "batch_size": lambda plan, _: replace(plan, batch_size=5)}
    )
    measure = measuring()
    found = tune(plan(), measure)
    assert (found.threads, found.batch_size) == (1, 5)
    assert measure.not_measured == {"threads": "could not be measured: MemoryError: no room"}
    assert measure.answered == {"batch_size"}


def test_what_the_budget_has_no_room_for_is_named(measuring, plan):
    measure = measuring(budget_s=0.001)
    tune(plan(epochs=4), measure)
    assert measure.not_measured["learning_rate"] == "not measured: no room in the budget"


def test_a_network_whose_layers_drop_out_is_measured(bench, measuring, plan):
    class Dropping(nn.Sequential):
        def forward(self, inputs):
            hidden = self[0](inputs)
            return self[2](hidden + self[1](hidden) if torch.rand(()) < 0.5 else hidden)

    net = Dropping(nn.Linear(5, 8), nn.Linear(8, 8), nn.Linear(8, 3))
    measure = measuring(replace(bench, net=net), pinned=("compile",))
    assert dict(tune(plan(), measure).reasons)["batch_size"].measured.startswith("gradient noise scale")
    assert not measure.not_measured


def test_every_choice_is_a_choice_of_the_plan(plan):
    assert all(hasattr(plan(), name) for name in CHOICES)
