"""Every choice, measured for real on a small network."""

from naiad.trainer.autoscale.tune import CHOICES, tune


def test_what_is_pinned_stays_and_what_is_not_is_told(measuring, plan):
    before = plan(learning_rate=0.123, epochs=4)
    measure = measuring(pinned=("learning_rate", "compile"))
    found = tune(before, measure)
    assert found.learning_rate == 0.123
    assert measure.budget.spent_s > 0
    reasons = dict(found.reasons)
    assert reasons["batch_size"].tried
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


def test_every_choice_is_a_choice_of_the_plan(plan):
    assert all(hasattr(plan(), name) for name in CHOICES)
