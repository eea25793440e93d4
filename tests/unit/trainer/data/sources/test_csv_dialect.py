"""Encodings and delimiters of CSV files."""

import pytest

from naiad.errors import DataError
from naiad.trainer.data.sources.csv_dialect import CsvDialect, find_dialect, guess_western_encoding

TEXT = "größe;name\n1,5;Zoë\n2,5;François\n"


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf8"),
        ("utf-8-sig", "utf8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
    ],
)
def test_encodings(tmp_path, encoding, found):
    (tmp_path / "x.csv").write_bytes(TEXT.encode(encoding))
    assert find_dialect(tmp_path / "x.csv") == CsvDialect(found, ";")


def test_files_that_are_not_utf8_are_western_or_refused(tmp_path):
    file = tmp_path / "x.csv"
    file.write_bytes("straße,größe\n1 €,2\n".encode("cp1252"))
    assert guess_western_encoding(file) == "cp1252"
    file.write_bytes(b"caf\xe9\x81,1\n")
    assert guess_western_encoding(file) == "latin-1"
    file.write_bytes("город,имя\nМосква,Иван\n".encode("cp1251"))  # noqa: RUF001  # reason: Russian
    with pytest.raises(DataError, match="encoding is neither UTF-8"):
        guess_western_encoding(file)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ('"size, cm, outer";"weight, g"\n1;2\n', ";"),
        ("x;z;label\n1,5;2,5;a\n", ";"),
        ("a,b\n1;2,3\n4;5,6\n", ","),
        ('name,note\nx,"a; b; c"\n', ","),
        ("a\n1\n", ","),
        ("a|b,c\n1|2\n3|4\n", "|"),
        ("sep=;\na;b\n1;2\n", ";"),
        ("sep=;\ra;b\r1;2\r", ";"),
        ('\ufeff"size; cm","weight; g; net",x\n1,2,3\n', ","),
    ],
)
def test_delimiters(tmp_path, text, delimiter):
    (tmp_path / "x.csv").write_text(text)
    assert find_dialect(tmp_path / "x.csv").delimiter == delimiter


def test_a_tsv_file_may_have_commas(tmp_path):
    (tmp_path / "x.tsv").write_text("a, b\tc\n1\t2\n")
    assert find_dialect(tmp_path / "x.tsv").delimiter == "\t"
    (tmp_path / "x.tsv").write_text("a,b\n1,2\n")
    assert find_dialect(tmp_path / "x.tsv").delimiter == ","


@pytest.mark.parametrize(
    ("text", "skipped"),
    [
        ("# made on Monday\n# by hand, twice\na,b,c\n1,2,3\n", 2),
        ("# made by numpy\n# a,b,c\n1,2,3\n", 1),
        ("#,name,x\n1,ann,2\n", 0),
        ("#\n1\n2\n", 1),
        ("a,b\n#1,2\n", 0),
    ],
)
def test_comments_above_the_names_are_skipped(tmp_path, text, skipped):
    (tmp_path / "x.csv").write_text(text)
    assert find_dialect(tmp_path / "x.csv").skipped_lines == skipped


def test_single_quotes(tmp_path):
    (tmp_path / "x.csv").write_text("'a, b','c'\n1,'it is'\n")
    assert find_dialect(tmp_path / "x.csv") == CsvDialect("utf8", ",", quote="'")


def test_a_title_above_the_names_does_not_make_one_column_of_all(tmp_path):
    (tmp_path / "x.csv").write_text("Sales of 2024\na,b,c\n1,2,3\n")
    assert find_dialect(tmp_path / "x.csv").delimiter == ","
    (tmp_path / "x.csv").write_text("a\n1,5\n2,5\n")
    assert find_dialect(tmp_path / "x.csv").delimiter != ","


def test_columns_that_are_separated_by_spaces_are_refused(tmp_path):
    (tmp_path / "x.csv").write_text("x  y label\n1.5 2  a\n2.5 3 b\n")
    with pytest.raises(DataError, match="separated by spaces"):
        find_dialect(tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text("my text\nfour words\ntwo more\n")
    assert find_dialect(tmp_path / "x.csv").skipped_lines == 0


def test_a_dialect_in_words():
    assert str(CsvDialect("utf-16", ";", 1)) == "utf-16, separated by semicolons, lines skipped above the names: 1"
