"""Property: a CSV file reads back equal, whoever wrote it, in whatever dialect and encoding."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naiad.trainer.data.columns import Column, ColumnKind, convert, infer_column
from naiad.trainer.data.sources.csv_file import DECIMAL
from naiad.trainer.data.sources.table import read_table

Cells = Mapping[str, Sequence[Any]]

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252")
LETTERS = {"latin-1": "äÖñéßç", "cp1252": "äñ€œ™é"}
"""Letters beyond ASCII, by encoding; other encodings have all of Unicode."""
NAMES = ("Name; kurz", 'größe, "cm"', "plain", "zip")


def write_with_python(cells: Cells, **dialect: Any) -> str:
    file = io.StringIO()
    writer = csv.writer(file, **dialect)
    writer.writerow(cells)
    writer.writerows(zip(*cells.values(), strict=True))
    return file.getvalue()


def write_with_pandas(cells: Cells, **options: Any) -> str:
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in cells.items()})
    text: str = frame.to_csv(index=False, **options)
    return text


def write_with_polars(cells: Cells, **options: Any) -> str:
    import polars as pl  # noqa: PLC0415  # reason: optional

    text: str = pl.DataFrame({name: list(values) for name, values in cells.items()}, strict=False).write_csv(**options)
    return text


def write_in_german(cells: Cells) -> str:
    """Writes as Excel does where the comma is the decimal mark."""
    written = {
        name: [str(value).replace(".", ",") if isinstance(value, float) else value for value in values]
        for name, values in cells.items()
    }
    return write_with_python(written, delimiter=";")


WRITERS: dict[str, Callable[[Cells], str]] = {
    "python excel": lambda cells: write_with_python(cells, dialect="excel"),
    "python excel-tab": lambda cells: write_with_python(cells, dialect="excel-tab"),
    "python unix": lambda cells: write_with_python(cells, dialect="unix"),
    "excel german": write_in_german,
    "excel sep=": lambda cells: "sep=;\r\n" + write_in_german(cells),
    "excel macintosh": lambda cells: write_with_python(cells, lineterminator="\r", quoting=csv.QUOTE_NONNUMERIC),
    "pandas": write_with_pandas,
    "pandas semicolon": lambda cells: write_with_pandas(cells, sep=";", quoting=csv.QUOTE_NONNUMERIC),
    "pandas tab": lambda cells: write_with_pandas(cells, sep="\t"),
}
if find_spec("polars") is not None:
    WRITERS |= {
        "polars": write_with_polars,
        "polars quoted": lambda cells: write_with_polars(cells, separator=";", quote_style="non_numeric"),
        "polars tab": lambda cells: write_with_polars(cells, separator="\t"),
    }


def words(encoding: str) -> st.SearchStrategy[str]:
    """Text that begins with a letter: quotes, delimiters, line ends, and letters of the encoding."""
    letters = LETTERS.get(encoding, "äÖ中文жΩ😀")
    part = st.sampled_from([*"ab1 .,;|\t\"'-", "\n", "NA", *(letter + "x" for letter in letters)])
    return st.lists(part, max_size=6).map(lambda parts: ("w" + "".join(parts)).strip())


def tables(encoding: str) -> st.SearchStrategy[dict[str, list[Any]]]:
    columns = [
        words(encoding),
        st.integers(-(10**9), 10**9),
        st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3)),
        st.integers(0, 9999).map(lambda code: f"0{code:04}"),
    ]
    rows = st.integers(2, 6)
    return rows.flatmap(
        lambda count: st.fixed_dictionaries(
            {
                name: st.lists(st.none() | column, min_size=count, max_size=count).filter(
                    lambda cells: any(cell is not None for cell in cells)
                )
                for name, column in zip(NAMES, columns, strict=True)
            }
        )
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, dict[str, list[Any]]]:
    encoding = draw(st.sampled_from(ENCODINGS))
    return encoding, draw(tables(encoding))


@pytest.mark.parametrize("writer", WRITERS)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_what_was_written_is_read(
    writer: str, case: tuple[str, Cells], tmp_path_factory: pytest.TempPathFactory
) -> None:
    encoding, cells = case
    file = Path(tmp_path_factory.mktemp("csv")) / "table.csv"
    text = WRITERS[writer](cells)
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    file.write_bytes((mark + text).encode(encoding))
    table = read_table(file)
    assert table.column_names == list(cells)
    decimal = (table.schema.metadata or {}).get(DECIMAL, b".").decode()
    for name, expected in cells.items():
        column = infer_column(name, table[name], decimal=decimal).column
        assert column is not None
        kind = ColumnKind.NUMBER if any(isinstance(cell, int | float) for cell in expected) else ColumnKind.CATEGORY
        assert convert(table[name], column).to_pylist() == expected, (text, name)
        assert column.kind is kind, (text, name)


def test_an_empty_column_and_a_column_of_words_for_missing(tmp_path):
    (tmp_path / "x.csv").write_text("a,b,c\n,NA,1\n,null,2\n")
    table = read_table(tmp_path / "x.csv")
    assert convert(table["c"], Column("c", ColumnKind.NUMBER)).to_pylist() == [1, 2]
    assert table["a"].null_count == table["b"].null_count == 2
