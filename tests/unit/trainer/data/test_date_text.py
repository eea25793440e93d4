"""Dates as people write them."""

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from naiad.trainer.data.date_text import infer_date_format, parse_dates


def infer(*cells: str):
    counted = pc.value_counts(pa.array(cells))
    return infer_date_format(counted.field("values"), counted.field("counts"), min_fraction=0.8)


@pytest.mark.parametrize(
    ("cell", "hour", "minute"),
    [
        ("31.01.2024 14:30", 14, 30),
        ("1/31/2024 2:30 PM", 14, 30),
        ("31-Jan-2024 14:30:00", 14, 30),
        ("2024-01-31T14:30:00.250", 14, 30),
        ("2024-01-31T14:30:00Z", 14, 30),
        ("2024-01-31 14:30:00+02:00", 12, 30),
        ("2024.01.31", 0, 0),
        ("31.01.24", 0, 0),
        ("January 31, 2024 14:30", 14, 30),
        ("Wed Jan 31 2024", 0, 0),
        ("2024-01-31 14:30:00 UTC", 14, 30),
        ("Wed, 31 Jan 2024 14:30:00 GMT", 14, 30),
        ("Wed, 31 Jan 2024 14:30:00 +0100", 13, 30),
        ("Wed Jan 31 14:30:00 2024", 14, 30),
        ("Wed Jan 31 14:30:00 +0000 2024", 14, 30),
        ("31/Jan/2024:14:30:00 +0000", 14, 30),
    ],
)
def test_spellings(cell, hour, minute):
    reading = infer(cell)
    assert reading is not None
    assert reading.other is None
    (date,) = parse_dates(pa.chunked_array([[cell]]), reading.format).to_pylist()
    assert date == dt.datetime(2024, 1, 31, hour, minute)  # noqa: DTZ001  # reason: columns are naive


def test_day_and_month_that_may_be_exchanged_leave_a_doubt():
    reading = infer("01/02/2024 10:00", "03/04/2024 11:00")
    assert (reading.format, reading.other) == ("%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M")
    assert infer("01/02/2024 10:00", "31/04/2024 11:00").other is None


@pytest.mark.parametrize("cells", [("1.2.3", "1.2.4"), ("12.5", "13.5"), ("item 12",), ("7 of 9",), ("10-20", "20-30")])
def test_other_text_is_no_date(cells):
    assert infer(*cells) is None


def test_few_dates_among_words_are_no_dates():
    assert infer("2024-01-31", "soon", "later") is None


def test_a_year_of_two_digits_is_not_the_year_24():
    assert parse_dates(pa.chunked_array([["31.01.24"]]), "%d.%m.%Y").to_pylist() == [None]
