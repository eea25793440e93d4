"""Findings of what the reading of a file guessed."""

import pytest

from naiad.trainer.data.sources.reading_findings import describe_reading, missing_words, report_reading
from naiad.trainer.data.sources.table import read_table


def read(tmp_path, text, encoding="utf-8"):
    (tmp_path / "x.csv").write_bytes(text.encode(encoding))
    return read_table(tmp_path / "x.csv")


def test_a_guessed_encoding_is_reported(tmp_path):
    table = read(tmp_path, "größe;x\nä;1\n", encoding="cp1252")
    assert [item.kind for item in report_reading(table).items] == ["encoding-guessed"]
    assert describe_reading(table) == "cp1252, separated by semicolons"


@pytest.mark.parametrize(("header", "is_reported"), [("5.1,3.5,setosa", True), ("0,1,2", False), ("a,b,c", False)])
def test_names_that_may_be_data_are_reported(tmp_path, header, is_reported):
    items = report_reading(read(tmp_path, f"{header}\n4.9,3.0,setosa\n")).items
    assert [item.kind for item in items] == ["header-of-numbers"] * is_reported


def test_words_for_a_missing_cell_are_counted(tmp_path):
    table = read(tmp_path, "a,b\nx,NA\ny,null\nz,NA\n,w\n")
    assert missing_words(table, "b") == {"NA": 2, "null": 1}
    assert missing_words(table, "a") == {}


@pytest.mark.parametrize("comment", ["# made by x", "# made\x0cby x", "# made\u2028by x", "# made\x85by x"])
def test_skipped_lines_are_counted_as_they_are_skipped(tmp_path, comment):
    table = read(tmp_path, f"{comment}\n# today\na,label\n1,0\n2,1\n")
    assert table.column_names == ["a", "label"]
    assert [(item.kind, item.count) for item in report_reading(table).items] == [("lines-skipped", 2)]
