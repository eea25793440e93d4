"""CSV files: what is text and what are numbers, missing cells, encodings."""

import pyarrow as pa
import pytest

from naiad.trainer.data.sources import csv_file
from naiad.trainer.data.sources.csv_file import DECIMAL, ENCODING, read_csv, text_columns_of
from naiad.trainer.data.sources.reading_findings import missing_words


def read(tmp_path, text, *, text_columns=None, encoding="utf-8"):
    (tmp_path / "x.csv").write_bytes(text.encode(encoding))
    return read_csv(tmp_path / "x.csv", text_columns or {})


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1", "2"], pa.int64(), [1, 2]),
        (["-1", "NA"], pa.int64(), [-1, None]),
        (["1", "2.5"], pa.float64(), [1.0, 2.5]),
        (["007", "12"], pa.string(), ["007", "12"]),
        (["-05", "12"], pa.string(), ["-05", "12"]),
        (['" 007 "', "12"], pa.string(), [" 007 ", "12"]),
        (["0", "10"], pa.int64(), [0, 10]),
        (['" 5 "', "7"], pa.int64(), [5, 7]),
        (
            ["12345678901234567890", "12345678901234567891"],
            pa.string(),
            ["12345678901234567890", "12345678901234567891"],
        ),
        (["+4930123456", "+4940654321"], pa.string(), ["+4930123456", "+4940654321"]),
        (["+4930123456", "NA"], pa.string(), ["+4930123456", None]),
        (["100000000.0", "100000001.0"], pa.float64(), [1e8, 1e8 + 1]),
        (["1e8", "2e8"], pa.float64(), [1e8, 2e8]),
        (["true", "False"], pa.bool_(), [True, False]),
        (["5", "many"], pa.string(), ["5", "many"]),
        (["", "NA"], pa.null(), [None, None]),
        (["red", "NA"], pa.string(), ["red", None]),
    ],
)
def test_types(tmp_path, cells, kind, values):
    table = read(tmp_path, "x,y\n" + "".join(f"{cell},1\n" for cell in cells))
    assert table["x"].type == kind
    assert table["x"].to_pylist() == values


def test_a_code_far_down_makes_the_column_text(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_file, "_FIRST_BLOCK_BYTES", 64)
    table = read(tmp_path, "zip,y\n" + "80331,1.5\n" * 50 + "01069,1.5\n")
    assert table["zip"][0].as_py() == "80331"
    assert table["zip"][-1].as_py() == "01069"
    assert table["y"].type == pa.float64()


def test_a_word_far_down_makes_the_column_text(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_file, "_FIRST_BLOCK_BYTES", 64)
    table = read(tmp_path, "x\n" + "1\n" * 50 + "many\n")
    assert table["x"].to_pylist()[-2:] == ["1", "many"]


def test_na_is_a_value_beside_codes_of_two_letters(tmp_path):
    assert read(tmp_path, "region\nEU\nAS\nNA\n")["region"].to_pylist() == ["EU", "AS", "NA"]
    table = read(tmp_path, "region\nyes\nno\nNA\nNA\nnull\n")
    assert table["region"].null_count == 3
    assert missing_words(table, "region") == {"NA": 2, "null": 1}


def test_columns_that_are_asked_for_are_as_they_are_written(tmp_path):
    text = "a,b\n1.50,NA\n2.25,null\n"
    table = read(tmp_path, text, text_columns={"a": frozenset(), "b": None})
    assert table.to_pydict() == {"a": ["1.50", "2.25"], "b": ["NA", "null"]}
    assert text_columns_of(table) == {"a": frozenset(), "b": {"NA", "null"}}


def test_points_are_marks_between_thousands_where_commas_are_decimal(tmp_path):
    table = read(tmp_path, "x;price;y\n1,5;1.204;1.5\n2,25;704;2.25\n")
    assert table["price"].to_pylist() == ["1.204", "704"]
    assert table["y"].type == pa.float64()
    assert table.schema.metadata[DECIMAL] == b","


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "latin-1", "cp1252"])
def test_encodings(tmp_path, encoding):
    table = read(tmp_path, "größe,wo\n1,Köln\n2,Ulm\n", encoding=encoding)
    assert table.to_pydict() == {"größe": [1, 2], "wo": ["Köln", "Ulm"]}
    assert (ENCODING in (table.schema.metadata or {})) is (encoding in ("latin-1", "cp1252"))


def test_a_letter_far_down_that_is_not_utf8(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_file, "_FIRST_BLOCK_BYTES", 64)
    table = read(tmp_path, "x,wo\n" + "1,Ulm\n" * 50 + "2,Köln\n", encoding="latin-1")
    assert table["wo"][-1].as_py() == "Köln"


def test_names_lose_their_spaces_and_empty_columns_behind_the_last_one(tmp_path):
    assert read(tmp_path, "a, b,,\n1, 2,,\n").to_pydict() == {"a": [1], "b": [2]}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path, end):
    assert read(tmp_path, f"a,b{end}01,2{end}3,4{end}").to_pydict() == {"a": ["01", "3"], "b": [2, 4]}


def test_a_mark_before_a_mark_is_no_part_of_a_name(tmp_path):
    assert read(tmp_path, "\ufeffa,b\n1,2\n", encoding="utf-8-sig").column_names == ["a", "b"]
