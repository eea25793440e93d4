"""Notes on runs of other epochs than planned, and on those that took too long."""

from naiad.trainer.run_notes import other_epochs_notes, overrun_notes


def test_the_epochs_of_other_data_are_told(plan):
    followed = plan(epochs=4, total_steps=40)
    assert other_epochs_notes(followed, steps_per_epoch=10) == []
    (note,) = other_epochs_notes(followed, steps_per_epoch=1)
    assert note == "the plan's 40 steps were 4 epochs of its data; they are 40 epochs of these data"


def test_more_time_than_the_limit_is_told(plan):
    limited = plan(time_limit_s=2.0)
    assert overrun_notes(limited, 2.01) == []
    assert overrun_notes(plan(time_limit_s=None), 100.0) == []
    assert "took 3.5 s, longer than its limit of 2 s" in overrun_notes(limited, 3.5)[0]
