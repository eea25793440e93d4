"""A frame and its labels: an array with names, or a table."""

import pandas as pd
import pyarrow as pa
import pytest

from naiad.errors import DataError
from naiad.trainer.data.column_types import parse_types
from naiad.trainer.data.sources.open import open_source
from naiad.trainer.data.sources.raw_data import InputKind
from naiad.trainer.data.sources.table_options import TableOptions

NUMBERS = pd.DataFrame({"a": [1.5, 2.5, 3.5], "b": [1, 2, 3]})


def test_numbers_are_an_array_whose_columns_have_names():
    raw = open_source((NUMBERS, [0, 1, 0]))
    assert raw.kind is InputKind.ARRAYS
    assert raw.splits["train"].column_names == ("a", "b")
    assert raw.splits["train"].inputs.tolist() == NUMBERS.to_numpy().tolist()
    assert raw.splits["train"].targets.tolist() == [0, 1, 0]


def test_nullable_numbers_have_gaps():
    raw = open_source((pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}), [0, 1]))
    assert bool(raw.splits["train"].inputs[1, 0].isnan())


@pytest.mark.parametrize(
    "frame",
    [
        NUMBERS.assign(c=["x", "y", "x"]),
        NUMBERS.assign(c=pd.Series([1, 2, 1], dtype="category")),
        NUMBERS.assign(c=pd.date_range("2024", periods=3)),
        pa.table({"a": ["007", "012", "007"]}),
    ],
)
def test_other_columns_make_it_a_table_with_the_labels_as_a_column(frame):
    raw = open_source((frame, ["p", "q", "p"]))
    assert (raw.kind, raw.label, raw.target_name) == (InputKind.TABLE, "y", "y")
    assert raw.splits["train"].inputs["y"].to_pylist() == ["p", "q", "p"]
    assert raw.labels_required


def test_types_make_it_a_table():
    raw = open_source((NUMBERS, [0, 1, 0]), table=TableOptions(types=parse_types({"b": "category"})))
    assert raw.kind is InputKind.TABLE


def test_the_label_has_a_name_of_its_own():
    raw = open_source((pd.DataFrame({"y": ["u", "v"]}), [0, 1]))
    assert raw.splits["train"].inputs.column_names == ["y", "y_"]
    assert raw.label == "y_"


def test_a_frame_without_labels():
    assert open_source((NUMBERS,)).splits["train"].column_names == ("a", "b")
    assert open_source((NUMBERS.assign(c="x"),)).label is None


def test_lengths_that_differ_are_an_error():
    with pytest.raises(DataError, match="3 samples and y has 2 labels"):
        open_source((NUMBERS.assign(c="x"), [0, 1]))


def test_labels_in_another_order_of_the_index_are_reported():
    labels = pd.Series([0, 1, 0], index=[2, 1, 0])
    assert open_source((NUMBERS, labels)).findings.items[0].kind == "index-order"
    assert not open_source((NUMBERS, labels.sort_index())).findings.items
    assert not open_source((NUMBERS, pd.Series([0, 1, 0], index=[7, 8, 9]))).findings.items
