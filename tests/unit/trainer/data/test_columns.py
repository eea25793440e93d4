"""What a column holds, and one form for every version of it."""

import datetime as dt
import decimal

import pyarrow as pa
import pytest

from naiad.errors import DataError
from naiad.trainer.data.columns import Column, ColumnKind, converted, found_column, number_share, unreadable


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
    assert found_column("x", chunked(values)).kind is kind


def test_neither_lists_nor_bytes_are_columns():
    assert found_column("x", chunked([[1], [2]])) is None
    assert found_column("x", chunked([b"a"])) is None


def test_the_order_of_day_and_month_is_the_one_that_fits_all_cells():
    assert found_column("x", chunked(["01/02/2024", "31/12/2024"])).date_format == "%d/%m/%Y"
    assert found_column("x", chunked(["01/02/2024", "12/31/2024"])).date_format == "%m/%d/%Y"


def test_numbers_from_everything():
    number = Column("x", ColumnKind.NUMBER)
    assert converted(chunked([" 1 ", "2.5", "n/a", "", "inf"]), number).to_pylist() == [1.0, 2.5, None, None, None]
    assert converted(chunked([1.0, float("inf"), float("nan")]), number).to_pylist() == [1.0, None, None]
    assert converted(chunked([True, None]), number).to_pylist() == [1.0, None]
    assert converted(chunked([decimal.Decimal("1.25")]), number).to_pylist() == [1.25]
    assert converted(chunked([dt.time(0, 0, 2)], pa.time32("s")), number).to_pylist() == [2.0]


def test_a_category_is_one_text_however_it_came():
    category = Column("x", ColumnKind.CATEGORY)
    assert converted(chunked(["red ", "", None]), category).to_pylist() == ["red", None, None]
    assert converted(chunked([1, 2]), category).to_pylist() == ["1", "2"]
    assert converted(chunked([1.0, None]), category).to_pylist() == ["1", None]
    assert converted(chunked(["a"]).dictionary_encode(), category).to_pylist() == ["a"]


def test_dates_with_a_zone_are_taken_in_utc():
    zone = dt.timezone(dt.timedelta(hours=2))
    values = chunked([dt.datetime(2024, 1, 2, 1, tzinfo=zone)])
    (got,) = converted(values, Column("x", ColumnKind.DATE)).to_pylist()
    assert got == dt.datetime(2024, 1, 1, 23)  # noqa: DTZ001  # reason: columns are naive


def test_a_column_of_another_nature_is_refused():
    with pytest.raises(DataError, match=r"'x' holds list.*trained on it as a number"):
        converted(chunked([[1]]), Column("x", ColumnKind.NUMBER))


def test_unreadable_cells_are_not_the_empty_ones():
    values = chunked(["1", "n/a", " ", None, "2"])
    assert unreadable(values, converted(values, Column("x", ColumnKind.NUMBER))).tolist() == [1]
    values = chunked([1.0, float("nan"), float("inf")])
    assert unreadable(values, converted(values, Column("x", ColumnKind.NUMBER))).tolist() == [2]


def test_the_share_of_numbers_in_text():
    assert number_share(chunked(["1", "2", "x", None])) == pytest.approx(2 / 3)
    assert number_share(chunked(["01", "2"])) == 0
    assert number_share(chunked([None], pa.string())) == 0
