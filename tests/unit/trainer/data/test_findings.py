"""Findings, and the values of their actions in earlier artifacts."""

import pytest

from naiad.trainer.data.findings import Action, make_findings


def test_a_finding_has_five_examples_and_an_entry_for_each_quarantined_sample():
    names = [f"n{index}" for index in range(8)]
    findings = make_findings("odd", "train", names, Action.QUARANTINED, "odd samples")
    assert findings.items[0].count == 8
    assert findings.items[0].examples == tuple(names[:5])
    assert [row.name for row in findings.quarantine] == names
    assert make_findings("odd", "train", names, Action.REPORTED, "odd samples").quarantine == ()
    assert make_findings("odd", "train", [], Action.REPORTED, "odd samples").items == ()


@pytest.mark.parametrize(
    ("value", "action"), [("repaired", Action.REPAIRED), ("left out", Action.QUARANTINED), ("told", Action.REPORTED)]
)
def test_actions_of_earlier_artifacts_are_read(value, action):
    assert Action(value) is action


def test_an_unknown_action_is_an_error():
    with pytest.raises(ValueError, match="'lost' is not a valid Action"):
        Action("lost")
