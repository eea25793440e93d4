"""What choices measure with."""


def test_steps_are_paid_at_the_price_of_the_plan(measuring):
    measure = measuring(budget_s=1.0, step_s=0.1)
    assert measure.affords_steps(10)
    assert not measure.affords_steps(11)
