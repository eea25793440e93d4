"""Columns: their kinds, and the conversion of their cells."""

import datetime as dt
import decimal

import pyarrow as pa
import pytest

from naiad.errors import DataError
from naiad.trainer.data.columns import (
    Column,
    ColumnKind,
    convert,
    infer_column,
    infer_number_column,
    number_fraction,
    unreadable_rows,
)
from naiad.trainer.data.number_text import NumberFormat


def chunked(values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], ColumnKind.NUMBER),
        ([1.5, None], ColumnKind.NUMBER),
        ([True, False], ColumnKind.NUMBER),
        ([decimal.Decimal("1.20")], ColumnKind.NUMBER),
        ([dt.time(1, 2)], ColumnKind.NUMBER),
        (["1", " 2.5e3 ", "-.5", "", "4"], ColumnKind.NUMBER),
        (["1", "2", "3", "4", "five"], ColumnKind.NUMBER),
        (["1", "2", "three"], ColumnKind.CATEGORY),
        (["007", "008", "009"], ColumnKind.CATEGORY),
        (["red", "blue"], ColumnKind.CATEGORY),
        ([dt.date(2024, 1, 2)], ColumnKind.DATE),
        ([dt.datetime(2024, 1, 2, tzinfo=dt.UTC)], ColumnKind.DATE),
        (["31/12/2024", "01/02/2024"], ColumnKind.DATE),
        (["2024-01-02T03:04:05"], ColumnKind.DATE),
    ],
)
def test_kinds(values, kind):
    assert infer_column("x", chunked(values)).column.kind is kind


def test_neither_lists_nor_bytes_are_columns():
    assert infer_column("x", chunked([[1], [2]])).column is None
    assert infer_column("x", chunked([b"a"])).column is None


def test_the_order_of_day_and_month_fits_all_cells():
    assert infer_column("x", chunked(["01/02/2024", "31/12/2024"])).column.date_format == "%d/%m/%Y"
    assert infer_column("x", chunked(["01/02/2024", "12/31/2024"])).column.date_format == "%m/%d/%Y"


def test_all_types_of_numbers_are_converted():
    number = Column("x", ColumnKind.NUMBER)
    assert convert(chunked([" 1 ", "2.5", "n/a", "", "inf"]), number).to_pylist() == [1.0, 2.5, None, None, None]
    assert convert(chunked([1.0, float("inf"), float("nan")]), number).to_pylist() == [1.0, None, None]
    assert convert(chunked([True, None]), number).to_pylist() == [1.0, None]
    assert convert(chunked([decimal.Decimal("1.25")]), number).to_pylist() == [1.25]
    assert convert(chunked([dt.time(0, 0, 2)], pa.time32("s")), number).to_pylist() == [2.0]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_and_durations_are_seconds_whatever_their_unit(unit):
    durations = chunked([90_000, None], pa.int64()).cast(pa.duration("s")).cast(pa.duration(unit))
    column = infer_column("x", durations).column
    assert convert(durations, column).to_pylist() == [90_000.0, None]
    assert convert(chunked([dt.time(14, 30)], pa.time64("us")), column).to_pylist() == [52_200.0]
    earlier = Column.from_json({"name": "x", "kind": "number", "date_format": None, "categories": []})
    assert convert(durations.cast(pa.duration("ms")), earlier).to_pylist() == [90_000_000.0, None]
    assert Column.from_json(column.to_json()) == column
    requested = infer_number_column("x", durations, requested=NumberFormat(".")).column
    assert convert(durations, requested).to_pylist() == [90_000.0, None]


def test_a_category_has_one_text_whatever_its_type():
    category = Column("x", ColumnKind.CATEGORY)
    assert convert(chunked(["red ", "", None]), category).to_pylist() == ["red", None, None]
    assert convert(chunked([1, 2]), category).to_pylist() == ["1", "2"]
    assert convert(chunked([1.0, None]), category).to_pylist() == ["1", None]
    assert convert(chunked(["a"]).dictionary_encode(), category).to_pylist() == ["a"]


def test_dates_with_a_zone_are_taken_in_utc():
    zone = dt.timezone(dt.timedelta(hours=2))
    values = chunked([dt.datetime(2024, 1, 2, 1, tzinfo=zone)])
    (converted,) = convert(values, Column("x", ColumnKind.DATE)).to_pylist()
    assert converted == dt.datetime(2024, 1, 1, 23)  # noqa: DTZ001  # reason: columns are naive


def test_a_column_of_another_type_is_an_error():
    with pytest.raises(DataError, match=r"'x' holds list.*trained on it as a number"):
        convert(chunked([[1]]), Column("x", ColumnKind.NUMBER))


def test_empty_cells_are_not_unreadable():
    values = chunked(["1", "n/a", " ", None, "2"])
    assert unreadable_rows(values, convert(values, Column("x", ColumnKind.NUMBER))).tolist() == [1]
    values = chunked([1.0, float("nan"), float("inf")])
    assert unreadable_rows(values, convert(values, Column("x", ColumnKind.NUMBER))).tolist() == [2]


def test_the_fraction_of_numbers_in_text():
    assert number_fraction(chunked(["1", "2", "x", None])) == pytest.approx(2 / 3)
    assert number_fraction(chunked(["01", "2"])) == 0
    assert number_fraction(chunked([None], pa.string())) == 0
