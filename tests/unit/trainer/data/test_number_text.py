"""Numbers as people write them: the format of a column, and its values."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from naiad.trainer.data.number_text import (
    NumberFormat,
    find_unit,
    has_code,
    infer_number_format,
    parse_numbers,
    parse_specimen,
    read_written_numbers,
)


def read(cells: list[str], decimal: str | None = None):
    """Returns the format as text, whether it is certain, and the values."""
    counted = pc.value_counts(pa.array(cells))
    reading = infer_number_format(counted.field("values"), counted.field("counts"), decimal=decimal)
    if reading is None:
        return None
    values = parse_numbers(pa.chunked_array([pa.array(cells)]), reading.format)
    return str(reading.format), reading.is_certain, values.to_pylist()


@pytest.mark.parametrize(
    ("cells", "number_format", "values"),
    [
        (["21,704", "1,000,000"], "1,234.5", [21704, 1_000_000]),
        (["1,5", "0,125"], "1.234,5", [1.5, 0.125]),
        (["1.234,50", "2,1"], "1.234,5", [1234.5, 2.1]),
        (["$5.20", "-$1,200", "$-4"], "$1,234.5", [5.2, -1200, -4]),
        (["5 €", "4,50 €"], "€1.234,5", [5, 4.5]),
        (["USD 1,000.50", "USD 5"], "1,234.5 USD", [1000.5, 5]),
        (["12 %", "13%"], "1,234.5%", [12, 13]),
        (["(3.50)", "2.00"], "1,234.5", [-3.5, 2]),
        (["1 234,5", "12\u202f345\u202f678"], "1.234,5", [1234.5, 12_345_678]),
        (["1'234.50", "7"], "1,234.5", [1234.5, 7]),
        (["12,34,567", "1,00,000"], "1,234.5", [1_234_567, 100_000]),
        (["−5", "1.5"], "1,234.5", [-5, 1.5]),
        (["1,5e3", "2"], "1.234,5", [1500, 2]),
    ],
)
def test_the_format_is_found_and_read(cells, number_format, values):
    assert read(cells) == (number_format, True, values)


def test_a_mark_with_three_digits_behind_it_leaves_a_doubt():
    assert read(["1,234", "5,678"]) == ("1,234.5", False, [1234, 5678])
    assert read(["1,234", "5,678"], decimal=",") == ("1.234,5", False, [1.234, 5.678])
    assert read(["0,234", "5,678"]) == ("1.234,5", True, [0.234, 5.678])


@pytest.mark.parametrize("cells", [["a", "b"], ["1.2.3", "1.2.4"], ["$5", "€4"], ["12:30"], ["1-2", "3-4"]])
def test_other_text_is_no_number(cells):
    assert read(cells) is None


def test_a_cell_without_the_percent_sign_cannot_be_read():
    _, _, values = read(["12%", "13%", "0.5"])
    assert values == [12, 13, None]


@pytest.mark.parametrize(
    ("cell", "expected"), [("007", True), ("-05", True), ("0", False), ("0.5", False), ("10", False)]
)
def test_codes(cell, expected):
    assert has_code(pa.array(["1", cell])) is expected


def test_numbers_of_accounts_and_telephones_are_codes():
    assert has_code(pa.array(["12345678901234567890"]))
    assert has_code(pa.array(["+4930123456"]))


def test_a_specimen_names_a_format():
    assert parse_specimen("1.234,5") == parse_specimen("1,5") == NumberFormat(",")
    assert parse_specimen("1,234.5") == NumberFormat(".")
    assert parse_specimen("1234") is None


def test_labels_that_are_written_numbers():
    np.testing.assert_array_equal(read_written_numbers(np.array(["1,5", "2,5"], object)), [1.5, 2.5])
    words = np.array(["1,5", "many"], object)
    assert read_written_numbers(words) is words


@pytest.mark.parametrize("text", ["1,234.5", "1.234,5", "€1.234,5", "1,234.5 USD", "1,234.5%"])
def test_a_specimen_may_have_a_unit(text):
    assert str(parse_specimen(text)) == text


def test_the_unit_of_most_numbers():
    cells = pa.array(["1.234,50 €", "2 €", "3", "free"])
    assert find_unit(cells, pa.array([1, 1, 1, 9]), ",") == "€"
    assert find_unit(cells, pa.array([1, 1, 9, 9]), ",") == ""
