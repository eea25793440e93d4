from dataclasses import replace

import pytest
import torch
from torch import nn

from naiad.trainer.report import contents


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("accuracy", 0.9123, "91.23 %"), ("r2", 0.48766, "0.4877"), ("loss", None, "–"), ("mae", 12345.6, "12,346")],
)
def test_metric_text(name, value, text):
    assert contents.metric_text(name, value) == text


def test_the_headline_is_the_first_tile(classified):
    tiles = contents.tiles(classified.evaluation.to_json())
    assert [tile.label for tile in tiles] == ["accuracy", "F1, mean of the classes", "among the five highest", "loss"]


def test_the_model_stands_first_in_its_comparison(classified):
    rows = contents.comparison(classified.model, classified.evaluation.to_json())
    assert [(row.name, row.ours) for row in rows] == [
        ("linear", True),
        ("logistic regression", False),
        ("majority class", False),
    ]
    assert rows[0].share == pytest.approx(100 * classified.evaluation.metrics["accuracy"])


def test_a_number_without_bounds_has_no_bar(regressed):
    rows = contents.comparison(regressed.model, regressed.evaluation.to_json())
    assert [row.share is None for row in rows] == [False, False, False, True, True, True]


def test_columns_tell_what_is_missing(regressed):
    rows = contents.column_rows(regressed.dataset)
    assert [row[0] for row in rows] == [f"column {index}" for index in range(10)]
    assert rows[2][-1] == "0.3 %"


def test_pictures_have_no_columns(digits):
    assert contents.column_rows(digits) == []


def test_splits(digits):
    assert [row[:2] for row in contents.split_rows(digits)] == [
        ("train", "600"),
        ("validation", "100"),
        ("test", "300"),
    ]
    assert len(contents.split_rows(replace(digits, test=None))) == 2


def test_layers_and_their_parameters(classified):
    assert contents.layer_rows(classified.model.program)[1] == (
        "1",
        "Linear(in_features=64, out_features=10, bias=True)",
        "650",
    )


def test_an_exported_program_still_counts_its_parameters():
    exported = torch.export.export(nn.Linear(3, 2).eval(), (torch.zeros(1, 3),)).module()
    assert contents.parameter_count(contents.network(exported)) == 8
    contents.layer_rows(exported)


def test_versions_name_torch():
    assert dict(contents.version_rows())["torch"] == torch.__version__.split("+")[0]


def test_what_was_expected_stands_beside_what_came_of_it(classified):
    model = classified.model
    assert contents.forecast(model) == ""
    model.plan = replace(model.plan, forecast=0.9)
    model.evaluations = {"validation": {"headline": {"metric": "accuracy", "value": 0.875}}}
    assert contents.forecast(model).endswith("accuracy 90.00 % on the validation split. Reached: 87.50 %.")
