"""A plan as text and as JSON."""

import dataclasses
import json

import pytest

from naiad.trainer.plan import Plan, Reason, choice_names


def test_there_and_back_as_json(plan):
    made = plan(augment=("flip", "shift"), reasons=(("epochs", Reason("a rule", "0.1 s")),))
    assert Plan.from_json(json.loads(json.dumps(made.to_json()))) == made


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
