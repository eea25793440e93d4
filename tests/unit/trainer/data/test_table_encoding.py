"""Columns of a table as numbers, without torch."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from naiad.errors import DataError
from naiad.trainer.data.columns import Column, ColumnKind
from naiad.trainer.data.table_encoding import MISSING_CODE, UNKNOWN_CODE, encode_table, encoded_width

AGE = Column("age", ColumnKind.NUMBER)
TOWN = Column("town", ColumnKind.CATEGORY, categories=("Oslo", "Bern"))
BORN = Column("born", ColumnKind.DATE, "%Y-%m-%d")


def test_numbers_and_categories_are_one_feature_and_dates_are_seven():
    table = pa.table(
        {"town": ["Bern", "Rome", None], "age": [3.5, None, 1.0], "born": ["1970-01-02", None, "1971-01-01"]}
    )
    features = encode_table(table, (AGE, TOWN, BORN))
    assert features.dtype == np.float32
    assert features.shape == (3, sum(map(encoded_width, (AGE, TOWN, BORN)))) == (3, 9)
    assert features[:, 1].tolist() == [1, UNKNOWN_CODE, MISSING_CODE]
    assert features[0, 2] == 1.0
    assert np.isnan(features[1, [0, *range(2, 9)]]).all()


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="no column 'age'"):
        encode_table(pa.table({"ages": [1.0]}), (AGE,))


def test_an_unreadable_cell_is_named():
    with pytest.raises(DataError, match="'old' in row 1"):
        encode_table(pa.table({"age": ["1", "old"]}), (AGE,))


def test_it_needs_no_torch():
    check = "import sys, naiad.trainer.data.table_encoding, naiad.trainer.data.pixels; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


@pytest.mark.parametrize(
    ("categories", "cells", "given"),
    [(("007", "012"), [7, 99], "7"), (("1.10", "2.00"), [1.1, 5.0], "1.1"), (("1e3", "x"), [1000], "1000")],
)
def test_numbers_in_place_of_codes_are_refused(categories, cells, given):
    column = Column("zip", ColumnKind.CATEGORY, categories=categories)
    with pytest.raises(DataError, match=f"'zip' has the number {given}, but the model was trained on the text"):
        encode_table(pa.table({"zip": cells}), (column,))
    codes = encode_table(pa.table({"zip": [8888, None]}), (column,))
    assert codes[:, 0].tolist() == [UNKNOWN_CODE, MISSING_CODE]


@pytest.mark.parametrize("categories", [("True", "False"), ("true", "false"), ("FALSE", "TRUE")])
def test_true_and_false_are_the_same_however_they_are_written(categories):
    column = Column("open", ColumnKind.CATEGORY, categories=categories)
    expected = [categories.index(name) for name in categories if name.lower() == "true"]
    for cells in ([True], ["True"], ["TRUE"], ["true"]):
        assert encode_table(pa.table({"open": cells}), (column,))[:, 0].tolist() == expected
