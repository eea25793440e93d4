"""A plan as text and as JSON."""

import dataclasses
import json

import pytest

from naiad.errors import OptionError
from naiad.trainer.plan.plan import Halving, Plan, Reason, Trial, choice_names
from naiad.trainer.plan.schedule_adjustments import Turn


def test_there_and_back_as_json(plan):
    made = plan(augment=("flip", "shift"), reasons=(("epochs", Reason("a rule", "0.1 s")),))
    assert Plan.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_there_and_back_as_a_file(plan, tmp_path):
    made = plan(
        pace=(Turn(3, 3.0, 1.5),),
        halvings=(Halving(7, 16),),
        reasons=(("epochs", Reason("a rule", None, (Trial("1", "2 s"),))),),
    )
    made.write(tmp_path)
    assert Plan.read(tmp_path) == made
    assert Plan.read(tmp_path / "plan.json") == made


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"epochs": 3}'])
def test_what_is_no_plan_is_refused_by_name(tmp_path, text):
    if text is not None:
        (tmp_path / "plan.json").write_text(text)
    with pytest.raises(OptionError, match=r"plan\.json"):
        Plan.read(tmp_path)


def test_a_plan_of_the_first_format_has_the_defaults_of_what_came_later(plan):
    values = plan().to_json()
    for name in ("compile", "pace", "halvings", "probe_part", "forecast", "feed_workers", "fused", "normalisation"):
        del values[name]
    assert Plan.from_json(values) == plan()


def test_it_is_frozen(plan):
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan().epochs = 3


def test_a_row_for_every_choice(plan):
    rows = {
        name: (value, reason, measured)
        for name, value, reason, measured in plan(
            clip_norm=None, reasons=(("epochs", Reason("a rule", "0.1 s")),)
        ).rows()
    }
    assert set(rows) == set(choice_names())
    assert rows["epochs"] == ("4", "a rule", "0.1 s")
    assert rows["clip_norm"][0] == "off"
