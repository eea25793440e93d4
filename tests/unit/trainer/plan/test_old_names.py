"""Plans that earlier versions stored."""

from naiad.trainer.plan import old_names
from naiad.trainer.plan.plan import CHOICES, MicrobatchChange, Plan
from naiad.trainer.plan.reason import Measurement, Reason
from naiad.trainer.plan.schedule_adjustments import ScheduleAdjustment

OLD = {new: old for old, new in old_names.CHOICES.items()}


def test_old_names_stand_for_choices_of_today():
    assert set(OLD) <= set(CHOICES)
    assert not set(old_names.CHOICES) & set(CHOICES)


def test_a_plan_under_old_names_is_read(plan):
    today = plan(
        ema=0.9,
        keep_weights="best",
        measure_fraction=0.2,
        schedule_adjustments=(ScheduleAdjustment(3, 3.0, 1.5),),
        microbatch_history=(MicrobatchChange(7, 16),),
        reasons=(("ema", Reason("a rule", "3 ms", (Measurement("0.9", "2 s"),))),),
    )
    stored = {OLD.get(name, name): value for name, value in today.to_json().items()}
    stored["reasons"] = {
        "average": {"text": "a rule", "measured": "3 ms", "tried": [{"value": "0.9", "measured": "2 s"}]}
    }
    assert Plan.from_json(stored) == today
