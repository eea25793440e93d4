"""A schedule that is walked faster or slower, so that it ends in time."""

from itertools import pairwise

import pytest

from naiad.trainer.plan.schedule_adjustments import Pace


def test_without_a_turn_a_step_is_a_step():
    pace = Pace(100)
    assert [pace.position(step) for step in (0, 7, 99)] == [0, 7, 99]
    assert not pace.finished(99)
    assert pace.finished(100)


def test_a_slower_machine_walks_the_rest_in_fewer_steps():
    pace = Pace(100)
    assert pace.fit(40, steps_left=30)
    assert pace.position(40) == 40
    assert pace.position(55) == 70
    assert not pace.finished(69)
    assert pace.finished(70)


def test_a_faster_machine_walks_it_in_more():
    pace = Pace(100)
    pace.fit(50, steps_left=100)
    assert pace.left(50) == 100
    assert pace.finished(150)


def test_small_differences_are_noise():
    pace = Pace(1000)
    assert not pace.fit(500, steps_left=505)
    assert pace.turns == []


@pytest.mark.parametrize("turns", [[30.0], [30.0, 90.0], [200.0, 10.0, 77.0]])
def test_the_position_never_jumps(turns):
    pace = Pace(400)
    for index, left in enumerate(turns):
        pace.fit(10 * (index + 1), steps_left=left)
    positions = [pace.position(step) for step in range(60)]
    steps = [after - before for before, after in pairwise(positions)]
    assert all(step > 0 for step in steps)
    for turn in pace.turns:
        assert pace.position(turn.step) == pytest.approx(turn.position)


def test_a_run_that_is_cut_short_ends_there_when_it_is_walked_again():
    pace = Pace(100)
    pace.end(30)
    again = Pace(100, list(pace.turns))
    assert not again.finished(29)
    assert again.finished(30)
    again.end(30)
    assert again.turns == pace.turns


def test_recorded_turns_walk_the_same_way():
    first = Pace(300)
    first.fit(20, steps_left=100)
    first.fit(60, steps_left=200)
    again = Pace(300, list(first.turns))
    assert [again.position(step) for step in range(250)] == [first.position(step) for step in range(250)]
