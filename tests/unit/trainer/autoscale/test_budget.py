"""The time that measuring may take."""

import pytest

from naiad.trainer.autoscale.budget import Budget, BudgetError


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_time_in_a_block_is_charged():
    clock = Clock()
    budget = Budget(10.0, clock)
    with budget.charge():
        clock.now += 4
        assert budget.left_s == 6
    assert (budget.spent_s, budget.left_s) == (4, 6)
    assert budget.has_room_for(6)
    assert not budget.has_room_for(6.1)


@pytest.mark.parametrize(("seconds", "is_final"), [(11, True), (7, False)])
def test_a_measurement_that_a_whole_budget_would_pay_for_is_left_to_a_later_run(seconds, is_final):
    budget = Budget(10.0, spent_s=4.0)
    budget.require(6)
    with pytest.raises(BudgetError) as error:
        budget.require(seconds)
    assert error.value.is_final == is_final


def test_a_refund_may_be_spent_again():
    budget = Budget(10.0, spent_s=4.0)
    budget.refund(3.0)
    assert budget.left_s == 9.0
    budget.refund(3.0)
    assert budget.left_s == 10.0


def test_a_block_that_fails_is_charged_too():
    clock = Clock()
    budget = Budget(10.0, clock)
    with pytest.raises(RuntimeError):
        _fail_after(12, clock, budget)
    assert budget.left_s == 0


def _fail_after(seconds, clock, budget):
    with budget.charge():
        clock.now += seconds
        raise RuntimeError
