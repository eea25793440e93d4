"""A purse of seconds."""

import pytest

from naiad.trainer.autoscale.budget import Budget


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_what_is_spent_is_gone():
    clock = Clock()
    budget = Budget(10.0, clock)
    with budget.spending():
        clock.now += 4
    assert (budget.spent_s, budget.left_s) == (4, 6)
    assert budget.affords(6)
    assert not budget.affords(6.1)


def test_only_what_a_full_purse_would_pay_is_postponed():
    budget = Budget(10.0, spent_s=4.0)
    assert not budget.affords(11)
    assert not budget.postponed
    assert not budget.affords(7)
    assert budget.postponed


def test_what_is_paid_back_may_be_spent_again():
    budget = Budget(10.0, spent_s=4.0)
    budget.pay_back(3.0)
    assert budget.left_s == 9.0
    budget.pay_back(3.0)
    assert budget.left_s == 10.0


def test_what_fails_is_paid_for_too():
    clock = Clock()
    budget = Budget(10.0, clock)
    with pytest.raises(RuntimeError):
        _fail_after(12, clock, budget)
    assert budget.left_s == 0


def _fail_after(seconds, clock, budget):
    with budget.spending():
        clock.now += seconds
        raise RuntimeError
