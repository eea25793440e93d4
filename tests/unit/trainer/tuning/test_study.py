"""A study that is resumed is the same one, and says what is not."""

from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

from naiad.errors import DataError, OptionError
from naiad.trainer.tuning.space_text import parse_dimension
from naiad.trainer.tuning.study import check_same_study, study_facts

STORED = {
    "metric": "accuracy",
    "seed": 0,
    "space": [parse_dimension("lr", "log:0.001:1").to_json()],
    "constraints": [],
    "overrides": {"epochs": "3"},
    "rungs": [1],
    "data": "a",
    "validation": "b",
    "network": "c",
}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("seed", 1, "seed differs from what the search in study was started with: 0, given 1"),
        (
            "space",
            [parse_dimension("lr", "log:0.001:2").to_json()],
            r"lr 0.001 to 1 \(log\), given lr 0.001 to 2 \(log\)",
        ),
        ("constraints", ["lr < 1"], "none, given lr < 1"),
        ("overrides", {}, r"\(plan, epochs\) differs .* epochs 3, given none"),
        ("rungs", [], "halving, by its rungs, differs .* 1, given none"),
    ],
)
def test_other_settings_are_told(name, value, message):
    check_same_study(STORED, STORED, Path("study"))
    with pytest.raises(OptionError, match=message):
        check_same_study(STORED, {**STORED, name: value}, Path("study"))


@pytest.mark.parametrize(("name", "message"), [("data", "training data"), ("validation", "validation data")])
def test_other_data_are_told(name, message):
    with pytest.raises(DataError, match=message):
        check_same_study(STORED, {**STORED, name: "other"}, Path("study"))


def test_other_validation_data_are_known(blobs):
    known, net = study_facts(blobs, nn.Linear(5, 3)), nn.Linear(5, 3)
    other = study_facts(replace(blobs, validation=blobs.train), net)
    assert known["validation"] != other["validation"]
    assert {**other, "validation": known["validation"]} == known
