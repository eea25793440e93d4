"""The rows of text of a report."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from naiad.trainer.report import contents


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("accuracy", 0.9123, "91.23 %"), ("r2", 0.48766, "0.4877"), ("loss", None, "–"), ("mae", 12345.6, "12,346")],
)
def test_a_metric_is_formatted_with_its_unit(name, value, text):
    assert contents.metric_text(name, value) == text


def test_the_main_metric_has_the_first_card(classification_run):
    cards = contents.metric_cards(classification_run.evaluation.to_json())
    assert [card.label for card in cards] == ["accuracy", "F1, mean of the classes", "among the five highest", "loss"]


def test_the_model_is_first_in_the_comparison(classification_run):
    rows = contents.comparison_rows(classification_run.model, classification_run.evaluation.to_json())
    assert [(row.name, row.is_model) for row in rows] == [
        ("linear", True),
        ("logistic regression", False),
        ("majority class", False),
    ]
    assert rows[0].bar_percent == pytest.approx(100 * classification_run.evaluation.metrics["accuracy"])


def test_a_number_without_bounds_has_no_bar(regression_run):
    rows = contents.comparison_rows(regression_run.model, regression_run.evaluation.to_json())
    assert [row.bar_percent is None for row in rows] == [False, False, False, True, True, True]


def test_columns_state_how_much_is_missing(regression_run):
    rows = contents.column_rows(regression_run.dataset)
    assert [row.name for row in rows] == [f"column {index}" for index in range(10)]
    assert rows[2].missing == "0.3 %"


def test_pictures_have_no_columns(digits):
    assert contents.column_rows(digits) == []


def test_splits_have_their_sizes(digits):
    assert [row[:2] for row in contents.split_rows(digits)] == [
        ("train", "600"),
        ("validation", "100"),
        ("test", "300"),
    ]
    assert len(contents.split_rows(replace(digits, test=None))) == 2


def test_layers_have_their_parameters(classification_run):
    assert contents.layer_rows(classification_run.model.program)[1] == (
        "1",
        "Linear(in_features=64, out_features=10, bias=True)",
        "650",
    )


def test_an_exported_program_has_a_parameter_count():
    exported = torch.export.export(nn.Linear(3, 2).eval(), (torch.zeros(1, 3),)).module()
    assert contents.parameter_count(contents.network(exported)) == 8
    contents.layer_rows(exported)


def test_versions_name_torch():
    assert dict(contents.version_rows())["torch"] == torch.__version__.split("+")[0]
