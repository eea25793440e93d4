"""A schedule that is adjusted so that it ends in time."""

from itertools import pairwise

import pytest

from naiad.trainer.plan.schedule_adjustments import AdjustedSchedule


def test_without_an_adjustment_a_step_is_a_step():
    schedule = AdjustedSchedule(100)
    assert [schedule.position(step) for step in (0, 7, 99)] == [0, 7, 99]
    assert not schedule.is_finished(99)
    assert schedule.is_finished(100)


def test_a_slower_machine_ends_the_schedule_in_fewer_steps():
    schedule = AdjustedSchedule(100)
    assert schedule.adjust(40, steps_left=30)
    assert schedule.position(40) == 40
    assert schedule.position(55) == 70
    assert not schedule.is_finished(69)
    assert schedule.is_finished(70)


def test_a_faster_machine_ends_it_in_more():
    schedule = AdjustedSchedule(100)
    schedule.adjust(50, steps_left=100)
    assert schedule.steps_left(50) == 100
    assert schedule.is_finished(150)


def test_small_differences_are_noise():
    schedule = AdjustedSchedule(1000)
    assert not schedule.adjust(500, steps_left=505)
    assert schedule.adjustments == []


@pytest.mark.parametrize("remaining", [[30.0], [30.0, 90.0], [200.0, 10.0, 77.0]])
def test_the_position_never_jumps(remaining):
    schedule = AdjustedSchedule(400)
    for index, left in enumerate(remaining):
        schedule.adjust(10 * (index + 1), steps_left=left)
    positions = [schedule.position(step) for step in range(60)]
    steps = [after - before for before, after in pairwise(positions)]
    assert all(step > 0 for step in steps)
    for adjustment in schedule.adjustments:
        assert schedule.position(adjustment.step) == pytest.approx(adjustment.position)


def test_a_run_that_was_cut_short_ends_there_when_it_is_repeated():
    schedule = AdjustedSchedule(100)
    schedule.end_at(30)
    again = AdjustedSchedule(100, list(schedule.adjustments))
    assert not again.is_finished(29)
    assert again.is_finished(30)
    again.end_at(30)
    assert again.adjustments == schedule.adjustments


def test_recorded_adjustments_repeat_the_same_positions():
    first = AdjustedSchedule(300)
    first.adjust(20, steps_left=100)
    first.adjust(60, steps_left=200)
    again = AdjustedSchedule(300, list(first.adjustments))
    assert [again.position(step) for step in range(250)] == [first.position(step) for step in range(250)]
