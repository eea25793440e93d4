"""A run that ends in time, on machines that become slower and faster."""

import pytest

from naiad.trainer.loop.deadline import Deadline
from naiad.trainer.plan.schedule_adjustments import AdjustedSchedule


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def walk(schedule, deadline, clock, step_s):
    """Steps until the schedule or the time is over; ``step_s``: seconds of the n-th step."""
    step = 0
    while not (schedule.is_finished(step) or deadline.passed):
        clock.now += step_s(step)
        step += 1
        deadline.keep(schedule, step)
    return step


@pytest.mark.parametrize(
    "step_s",
    [
        lambda step: 0.01,
        lambda step: 0.02,
        lambda step: 0.004,
        lambda step: 0.01 if step < 500 else 0.03,
        lambda step: 0.01 * (1 + (step // 50) % 2),
    ],
    ids=["as expected", "slower", "faster", "slower later", "unsteady"],
)
def test_the_schedule_and_the_time_end_together(step_s):
    clock, schedule = Clock(), AdjustedSchedule(1000)
    walked = walk(schedule, Deadline(110.0, 0.5, clock=clock), clock, step_s)
    assert clock.now == pytest.approx(109.5, abs=0.2)
    assert schedule.position(walked) >= 970


def test_the_users_epochs_are_not_exceeded():
    clock, schedule = Clock(), AdjustedSchedule(1000)
    deadline = Deadline(200.0, 0.0, may_add_steps=False, clock=clock)
    assert walk(schedule, deadline, clock, lambda step: 0.01) == 1000
    assert schedule.adjustments == []


def test_the_users_epochs_are_cut_short_when_the_time_is():
    clock, schedule = Clock(), AdjustedSchedule(1000)
    deadline = Deadline(105.0, 0.0, may_add_steps=False, clock=clock)
    walked = walk(schedule, deadline, clock, lambda step: 0.01)
    assert walked == pytest.approx(500, abs=20)
    assert schedule.position(walked) >= 970


def test_what_comes_after_the_steps_is_reckoned_anew_when_they_take_other_times():
    """100 s: 20 steps' time of testing, 10 of validation; a step was thought to take 1 s, and takes half of that."""
    clock, schedule = Clock(), AdjustedSchedule(70)
    deadline = Deadline(180.0, 10.0, step_s=1.0, scored_steps=20.0, clock=clock)
    walk(schedule, deadline, clock, lambda _: 0.5)
    assert clock.now == pytest.approx(200 - 30 * 0.5, abs=1.0)
    assert deadline.at == pytest.approx(190.0)
    assert deadline.closing_s == pytest.approx(5.0)
