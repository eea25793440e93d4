"""Notes on a run that is not what a reader of its plan expects: other epochs than planned, or more time than allowed."""

from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import count_noun

_OVERRUN = 0.02
"""Time over the limit, as a fraction of it, that is not worth a word."""


def other_epochs_notes(followed: Plan, *, steps_per_epoch: int) -> list[str]:
    """Returns a note where the steps of a followed plan are more or fewer epochs of these data than of its own, or none."""
    epochs = -(-followed.total_steps // steps_per_epoch)
    if epochs == followed.epochs:
        return []
    planned = (
        f"the plan's {count_noun(followed.total_steps, 'step')} were {count_noun(followed.epochs, 'epoch')} of its data"
    )
    return [f"{planned}; they are {count_noun(epochs, 'epoch')} of these data"]


def overrun_notes(plan: Plan, took_s: float) -> list[str]:
    """Returns a note where a run took longer than its time limit, or none. took_s: seconds from the call to the end."""
    if plan.time_limit_s is None or took_s <= plan.time_limit_s * (1 + _OVERRUN):
        return []
    return [
        f"the run took {took_s:.1f} s, longer than its limit of {plan.time_limit_s:g} s: "
        "reading the data, the first step, the tests and saving are not cut short"
    ]
