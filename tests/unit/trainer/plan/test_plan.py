"""A plan as text and as JSON."""

import dataclasses
import json

import pytest

from naiad.errors import OptionError
from naiad.trainer.plan.plan import CHOICES, MicrobatchChange, Plan
from naiad.trainer.plan.reason import Measurement, Reason
from naiad.trainer.plan.schedule_adjustments import ScheduleAdjustment


def test_a_plan_survives_json(plan):
    before = plan(augment=("flip", "shift"), reasons=(("epochs", Reason("a rule", "0.1 s")),))
    assert Plan.from_json(json.loads(json.dumps(before.to_json()))) == before


def test_a_plan_survives_a_file(plan, tmp_path):
    before = plan(
        schedule_adjustments=(ScheduleAdjustment(3, 3.0, 1.5),),
        microbatch_history=(MicrobatchChange(7, 16),),
        reasons=(("epochs", Reason("a rule", None, (Measurement("1", "2 s"),))),),
    )
    before.write(tmp_path)
    assert Plan.read(tmp_path) == before
    assert Plan.read(tmp_path / "plan.json") == before


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"epochs": 3}'])
def test_a_file_that_is_no_plan_is_refused_by_name(tmp_path, text):
    if text is not None:
        (tmp_path / "plan.json").write_text(text)
    with pytest.raises(OptionError, match=r"plan\.json"):
        Plan.read(tmp_path)


def test_a_plan_of_the_first_version_means_the_defaults(plan):
    stored = {name: value for name, value in plan().to_json().items() if name != "reasons"}
    first = {name: value for name, value in stored.items() if not CHOICES[name].has_default}
    assert len(first) == 24
    assert Plan.from_json(first) == plan()


def test_a_plan_is_frozen(plan):
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan().epochs = 3


def test_every_choice_has_a_row(plan):
    rows = {row.name: row for row in plan(clip_norm=None, reasons=(("epochs", Reason("a rule", "0.1 s")),)).rows()}
    assert set(rows) == set(CHOICES)
    assert rows["epochs"][1:] == ("4", "a rule", "0.1 s")
    assert rows["clip_norm"].value == "off"


def test_a_reason_lists_what_was_measured():
    reason = Reason("the faster", "3 rounds", (Measurement("1", "3 ms"), Measurement("2", "4 ms")))
    assert reason.format_measurements() == "3 rounds; 1: 3 ms; 2: 4 ms"
