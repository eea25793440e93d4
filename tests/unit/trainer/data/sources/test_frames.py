"""Tables in memory: types of pandas and Arrow, indexes, rows."""

import decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from naiad.errors import DataError
from naiad.trainer.data.columns import ColumnKind, infer_column
from naiad.trainer.data.sources.frames import INDEX, drop_index, from_memory


def table_of(data: Any, **options: Any) -> pa.Table:
    table = from_memory(data, **options)
    assert table is not None
    return table


@pytest.mark.parametrize(
    ("series", "kind", "values"),
    [
        (pd.Series([1, None], dtype="Int64"), ColumnKind.NUMBER, [1, None]),
        (pd.Series([True, None], dtype="boolean"), ColumnKind.NUMBER, [True, None]),
        (pd.Series(["a", None], dtype="string"), ColumnKind.CATEGORY, ["a", None]),
        (pd.Series([1, 2], dtype="category"), ColumnKind.CATEGORY, [1, 2]),
        (pd.Series(["1", "2"], dtype="category"), ColumnKind.CATEGORY, ["1", "2"]),
        (pd.Series([decimal.Decimal("1.5"), None]), ColumnKind.NUMBER, [decimal.Decimal("1.5"), None]),
        (pd.Series(pd.arrays.SparseArray([0, 1])), ColumnKind.NUMBER, [0, 1]),
        (pd.Series(pd.to_timedelta([1, 2], unit="s")), ColumnKind.NUMBER, None),
        (pd.Series(pd.period_range("2024-01", periods=2, freq="M")), ColumnKind.DATE, None),
        (pd.Series(pd.date_range("2024", periods=2, tz="Europe/Berlin")), ColumnKind.DATE, None),
        (pd.Series(pd.interval_range(0, 2)), ColumnKind.CATEGORY, ["(0, 1]", "(1, 2]"]),
        (pd.Series(pd.cut([0.5, 1.5], [0, 1, 2])), ColumnKind.CATEGORY, ["(0, 1]", "(1, 2]"]),
        (pd.Series([10**30, 1]), ColumnKind.CATEGORY, [str(10**30), "1"]),
        (pd.Series([1 + 1j, 2]), ColumnKind.CATEGORY, None),
    ],
)
def test_types_of_pandas(series, kind, values):
    column = table_of(pd.DataFrame({"x": series}))["x"]
    inferred = infer_column("x", column).column
    assert (inferred.kind if inferred is not None else None) is kind
    if values is not None:
        assert column.to_pylist() == values


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array(["a", "b"], pa.string_view()), ColumnKind.CATEGORY),
        (pa.array(["a", "b"], pa.string_view()).cast(pa.string()).dictionary_encode(), ColumnKind.CATEGORY),
        (pa.array([1, 2], pa.int64()).dictionary_encode(), ColumnKind.CATEGORY),
        (pa.array([decimal.Decimal("1.5")], pa.decimal256(40, 2)), ColumnKind.NUMBER),
        (pa.array([1.5, 2.5], pa.float16()), ColumnKind.NUMBER),
        (pa.RunEndEncodedArray.from_arrays([2], [7]), ColumnKind.NUMBER),
        (pa.array([1, 0], pa.bool8()), ColumnKind.NUMBER),
        (pa.array(['{"a": 1}'], pa.json_()), ColumnKind.CATEGORY),
        (pa.array([b"a"], pa.binary_view()), None),
        (pa.array([[1]]), None),
    ],
)
def test_types_of_arrow(values, kind):
    inferred = infer_column("x", table_of(pa.table({"x": values}))["x"]).column
    assert (inferred.kind if inferred is not None else None) is kind


def test_an_index_is_no_column_unless_it_is_asked_for(tmp_path):
    frame = pd.DataFrame({"x": [1.5, 2.5]}, index=pd.Index([7, 9], name="customer"))
    frame.to_parquet(tmp_path / "x.parquet")
    for table in (frame, pa.parquet.read_table(tmp_path / "x.parquet"), pa.Table.from_pandas(frame)):
        assert table_of(table).column_names == ["x"]
        assert table_of(table).schema.metadata[INDEX] == b"customer"
        assert table_of(table, keep=["customer"])["customer"].to_pylist() == [7, 9]


def test_an_index_of_several_levels():
    index = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["shop", None])
    table = table_of(pd.DataFrame({"x": [1, 2]}, index=index), keep=["shop"])
    assert table.to_pydict() == {"x": [1, 2], "shop": ["a", "b"]}


def test_a_row_of_a_frame_is_a_table_of_one_row():
    frame = pd.DataFrame({"x": [1.5, 2.5], "c": ["u", "v"]})
    assert table_of(frame.iloc[1]).to_pydict() == {"x": [2.5], "c": ["v"]}


def test_columns_of_arrays_and_missing_values():
    table = table_of({"x": np.array([1.5, np.nan]), "c": ["a", pd.NA], 3: (1, None)})
    assert table.to_pydict() == {"x": [1.5, None], "c": ["a", None], "3": [1, None]}
    mixed = table_of(pd.DataFrame({"m": [1, "a", pd.NA, pd.NaT]}))
    assert mixed["m"].to_pylist() == ["1", "a", None, None]


def test_a_frame_that_arrow_cannot_take_is_an_error():
    class Frame:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            raise pa.ArrowInvalid("no such type")

    with pytest.raises(DataError, match="Frame has a column that Arrow cannot take: no such type"):
        from_memory(Frame())


def test_names_that_come_twice_are_left_to_the_check():
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert drop_index(table).column_names == ["a", "a"]


def test_polars():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(
        {
            "text": ["a", None],
            "category": pl.Series(["a", "b"], dtype=pl.Categorical),
            "enum": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])),
            "decimal": [decimal.Decimal("1.20"), None],
            "whole": [1, None],
        }
    )
    table = table_of(frame)
    kinds = {name: str(infer_column(name, table[name]).column.kind) for name in table.column_names}
    assert kinds == {
        "text": "category",
        "category": "category",
        "enum": "category",
        "decimal": "number",
        "whole": "number",
    }
    with pytest.raises(DataError, match="DataFrame has a column that Arrow cannot take"):
        from_memory(pl.DataFrame({"x": pl.Series([1], dtype=pl.Int128)}))
