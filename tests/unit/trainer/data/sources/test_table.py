"""Tables: files of each kind, folders of them, data frames, and what cannot be read."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from naiad.errors import DataError
from naiad.trainer.data.columns import ColumnKind, infer_column
from naiad.trainer.data.sources.open import open_source
from naiad.trainer.data.sources.raw_data import InputKind
from naiad.trainer.data.sources.table import as_table, open_table, read_table
from naiad.trainer.data.sources.table_options import TableOptions

COLUMNS = {"age": [31, 45, None], "city": ["Ulm", "Bonn", "Ulm"], "label": [0, 1, 0]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_inferred(tmp_path, delimiter):
    file = tmp_path / "people.csv"
    file.write_text("age,city,label\n31,Ulm,0\n45,Bonn,1\n,Ulm,0\n".replace(",", delimiter))
    assert read_table(file).to_pydict() == COLUMNS


def test_quoted_cells_may_hold_the_delimiter_and_newlines(tmp_path):
    file = tmp_path / "notes.csv"
    file.write_text('note,label\n"a, b",1\n"two\nlines",0\n')
    assert read_table(file)["note"].to_pylist() == ["a, b", "two\nlines"]


def test_a_column_may_change_its_type_far_down(tmp_path):
    file = tmp_path / "long.csv"
    file.write_text("x,label\n" + "1.5,0\n" * 300_000 + "many,1\n")
    table = read_table(file)
    assert table["x"][-1].as_py() == "many"
    assert infer_column("x", table["x"]).column.kind is ColumnKind.NUMBER


def test_the_index_of_pandas_is_dropped_from_parquet(tmp_path):
    frame = pd.DataFrame(COLUMNS).iloc[[2, 0]]
    frame.to_parquet(tmp_path / "people.parquet")
    assert read_table(tmp_path / "people.parquet").column_names == ["age", "city", "label"]


def test_a_frame_with_mixed_objects_becomes_text():
    frame = pd.DataFrame({"size": [1, "large", None, 2.5], 7: [1, 2, 3, 4]})
    table = as_table(frame)
    assert table["size"].to_pylist() == ["1", "large", None, "2.5"]
    assert table.column_names == ["size", "7"]


def test_rows_and_columns_of_plain_python():
    assert as_table([{"a": 1, "b": "x"}, {"a": 2}]).to_pydict() == {"a": [1, 2], "b": ["x", None]}
    assert as_table({"a": 1, "b": "x"}).num_rows == 1


def test_a_folder_has_its_splits_by_file_name(tmp_path):
    for name, rows in (("train", 5), ("val", 3), ("test", 2)):
        (tmp_path / f"{name}.csv").write_text("x,label\n" + "1,0\n" * rows)
    raw = open_source(tmp_path, label="label")
    assert raw.kind is InputKind.TABLE
    assert {split: len(part) for split, part in raw.splits.items()} == {"train": 5, "validation": 3, "test": 2}


def test_other_files_of_a_folder_are_one_table_in_the_order_of_their_names(tmp_path):
    for part in (1, 0):
        pa.parquet.write_table(pa.table({"x": [part] * 2, "label": [0, 1]}), tmp_path / f"part-{part}.parquet")
    raw = open_source(tmp_path, label="label")
    assert raw.splits["train"].inputs["x"].to_pylist() == [0, 0, 1, 1]
    assert raw.splits["train"].names == ["row 0", "row 1", "row 2", "row 3"]


def test_files_with_different_columns_are_an_error(tmp_path):
    (tmp_path / "a.csv").write_text("x,label\n1,0\n")
    (tmp_path / "b.csv").write_text("x,label\n2024-01-05,0\n")
    with pytest.raises(DataError, match="do not have the same columns"):
        open_source(tmp_path, label="label")


def test_the_default_label_is_used_and_reported():
    raw = open_table(pa.table(COLUMNS))
    assert raw.label == "label"
    assert "'label' is used" in raw.findings.items[0].message


def test_a_missing_label_is_reported():
    raw = open_table(pa.table({"x": [1, 2]}))
    assert raw.label is None
    assert "no column called label" in raw.findings.items[0].message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("a,b\n", "no rows"),
        ("a,b\n1,2\n1,2,3\n", "cannot be read"),
        ("a,a\n1,2\n", "more than one column 'a'"),
    ],
)
def test_a_file_that_is_no_table_is_an_error(tmp_path, text, message):
    file = tmp_path / "wrong.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=message):
        open_table(file)


def test_a_wrong_label_suggests_a_similar_one():
    with pytest.raises(DataError) as caught:
        open_table(pa.table(COLUMNS), TableOptions(label="labels"))
    assert caught.value.hint == "did you mean 'label'?"


def test_damaged_parquet_is_an_error(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match="cannot be read as a table"):
        read_table(tmp_path / "x.parquet")


def test_an_array_is_no_table():
    with pytest.raises(DataError, match="a table was expected, given int"):
        as_table(3)
