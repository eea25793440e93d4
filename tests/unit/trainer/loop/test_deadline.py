"""A run ends in time on machines that become slower and faster."""

import pytest

from naiad.trainer.loop.deadline import Deadline
from naiad.trainer.plan.schedule_adjustments import AdjustedSchedule


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def take_steps(schedule, deadline, clock, step_s):
    """Takes steps until the schedule or the time ends, and returns their number. step_s: seconds of the n-th step."""
    step = 0
    while not (schedule.is_finished(step) or deadline.has_passed):
        clock.now += step_s(step)
        step += 1
        deadline.adjust(schedule, step)
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
    steps = take_steps(schedule, Deadline(110.0, 0.5, clock=clock), clock, step_s)
    assert clock.now == pytest.approx(109.5, abs=0.2)
    assert schedule.position(steps) >= 970


def test_the_users_epochs_are_not_exceeded():
    clock, schedule = Clock(), AdjustedSchedule(1000)
    deadline = Deadline(200.0, 0.0, may_add_steps=False, clock=clock)
    assert take_steps(schedule, deadline, clock, lambda step: 0.01) == 1000
    assert schedule.adjustments == []


def test_the_users_epochs_are_cut_short_when_the_time_is():
    clock, schedule = Clock(), AdjustedSchedule(1000)
    deadline = Deadline(105.0, 0.0, may_add_steps=False, clock=clock)
    steps = take_steps(schedule, deadline, clock, lambda step: 0.01)
    assert steps == pytest.approx(500, abs=20)
    assert schedule.position(steps) >= 970


def test_the_time_for_scoring_follows_the_time_of_a_step():
    """The run has 100 s: the time of 20 steps for testing, of 10 for validation. A step takes 0.5 s instead of 1 s."""
    clock, schedule = Clock(), AdjustedSchedule(70)
    deadline = Deadline(180.0, 10.0, step_s=1.0, scoring_steps=20.0, clock=clock)
    take_steps(schedule, deadline, clock, lambda _: 0.5)
    assert clock.now == pytest.approx(200 - 30 * 0.5, abs=1.0)
    assert deadline.ends_at == pytest.approx(190.0)
    assert deadline.last_validation_s == pytest.approx(5.0)
