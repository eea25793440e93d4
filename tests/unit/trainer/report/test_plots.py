"""Plots as PNG files, for unusual sizes and texts."""

import io

import numpy as np
import pytest
from PIL import Image

from naiad.trainer.report import plots


def size(png):
    return Image.open(io.BytesIO(png)).size


def test_lines_leave_out_points_that_are_not_finite():
    assert size(plots.lines({"train": [(1, 0.5), (2, float("nan"))], "validation": []}, y_label="loss"))[0] > 300


@pytest.mark.parametrize("count", [1, 2, 20, 21, 200])
def test_confusion_of_any_size_stays_readable(count):
    width, _ = size(plots.confusion(np.eye(count, dtype=np.int64), [str(index) for index in range(count)]))
    assert 300 < width < 1200


def test_one_point_can_be_plotted():
    one = np.ones(1, np.float32)
    plots.scatter(one, one, name="y")
    plots.histogram(one, name="y")


def test_more_clusters_than_colours_can_be_plotted():
    plots.clusters(np.random.default_rng(0).random((60, 2), np.float32), np.arange(60) % 20)


@pytest.mark.parametrize("count", [1, 8, 9])
def test_a_sheet_has_as_many_rows_as_it_needs(count):
    width, height = size(plots.sheet([np.zeros((4, 6, 3), np.uint8)] * count, ["a → b\n99 %"] * count))
    assert width > 100 * min(count, 8)
    assert height < 200 * -(-count // 8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\n b", "a b"), ("$x$", r"\$x\$"), ("漢", "□"), ("naïve → ½", "naïve → ½"), ("x" * 40, "x" * 31 + "…")],
)
def test_text_is_made_printable(text, expected):
    assert plots.printable(text) == expected
