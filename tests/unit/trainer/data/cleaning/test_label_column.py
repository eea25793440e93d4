"""Labels of a table: classes, numbers, and words that may be either a class or a gap."""

import datetime as dt

import pyarrow as pa
import pytest

from naiad.errors import DataError
from naiad.trainer.data.cleaning.label_column import infer_label, read_label
from naiad.trainer.data.column_types import parse_types
from naiad.trainer.data.columns import ColumnKind
from naiad.trainer.data.sources.csv_file import read_csv


def read(labels: list[str], tmp_path, **types: str):
    """Returns the labels as they are read from a CSV file, and the kinds of the findings."""
    (tmp_path / "x.csv").write_text("y,x\n" + "".join(f'"{label}",1\n' for label in labels))
    asked = parse_types(types)
    text_columns = {name: None for name, column in asked.items() if column.name == "text"}
    table = read_csv(tmp_path / "x.csv", text_columns)
    column, findings = infer_label(table, "y", asked)
    return read_label(table["y"], column).to_pylist(), [item.kind for item in findings.items]


def test_labels_lose_their_spaces_and_become_numbers():
    assert read_label(pa.chunked_array([[" yes", "no ", ""]]), None).to_pylist() == ["yes", "no", None]
    numbers = read_label(pa.chunked_array([[str(i / 2) for i in range(60)] + ["unknown"]]), None)
    assert numbers.to_pylist()[-2:] == [29.5, None]


def test_codes_stay_as_they_are(tmp_path):
    assert read(["007", "012"], tmp_path) == (["007", "012"], [])


def test_written_numbers_with_fractions_or_many_values_are_numbers(tmp_path):
    assert read(["1,5", "2,25"], tmp_path)[0] == [1.5, 2.25]
    prices = [f"{1000 * value:,}" for value in range(1, 31)]
    assert read(prices, tmp_path) == ([1000.0 * value for value in range(1, 31)], ["ambiguous-column"])
    assert read(["$5", "$10"], tmp_path)[0] == ["$5", "$10"]
    assert read(["$5", "$10"], tmp_path, y="number")[0] == [5.0, 10.0]


def test_types_overrule(tmp_path):
    assert read(["1", "2"], tmp_path, y="category")[0] == ["1", "2"]
    prices = [f"{value},000" for value in range(1, 31)]
    assert read(prices, tmp_path, y="1,5") == ([float(value) for value in range(1, 31)], [])
    with pytest.raises(DataError, match="cannot be of the type date"):
        read(["1", "2"], tmp_path, y="date")


def test_a_word_that_may_be_a_class_is_asked_about(tmp_path):
    with pytest.raises(DataError, match="'null' in 2 of 6 rows") as caught:
        read(["ok", "bad", "ok", "bad", "null", "null"], tmp_path)
    assert "types={'y': 'text'} makes it a class" in str(caught.value.hint)


def test_a_word_that_may_be_a_class_is_what_the_user_says(tmp_path):
    labels = ["ok", "bad", "null"]
    assert read(labels, tmp_path, y="text")[0] == ["ok", "bad", "null"]
    assert read(labels, tmp_path, y="category")[0] == ["ok", "bad", None]


def test_few_words_and_those_of_programs_are_missing(tmp_path):
    assert read(["ok", "bad"] * 10 + ["NA"], tmp_path) == (["ok", "bad"] * 10 + [None], ["missing-label-word"])
    assert read(["ok", "nan"], tmp_path) == (["ok", None], ["missing-label-word"])
    assert read(["1.5", "2.5", "NA"], tmp_path) == ([1.5, 2.5, None], [])


def test_na_beside_other_codes_is_a_class(tmp_path):
    assert read(["EU", "AS", "NA"], tmp_path)[0] == ["EU", "AS", "NA"]


def test_labels_of_a_trained_model_are_read_as_it_was_trained():
    column, _ = infer_label(pa.table({"y": ["1,5", "2,5"]}), "y", {})
    assert column is not None
    assert column.kind is ColumnKind.NUMBER
    assert read_label(pa.chunked_array([["1.234", "7"]]), column).to_pylist() == [1234.0, 7.0]


def test_many_dates_are_no_classes():
    days = [f"{1 + day % 28:02}.{1 + day // 28:02}.2024" for day in range(60)]
    table = pa.table({"y": days})
    with pytest.raises(DataError, match=r"'y' holds dates written as %d\.%m\.%Y, which are neither"):
        infer_label(table, "y", {})
    column, _ = infer_label(table, "y", parse_types({"y": "text"}))
    assert column.kind is ColumnKind.CATEGORY


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"])
def test_dates_of_any_form_are_classes_where_they_are_few(tmp_path, form):
    days = [(dt.date(2024, 1, 1) + dt.timedelta(days=day)).strftime(form) for day in range(28)]
    assert read(days[:3] * 2, tmp_path) == (days[:3] * 2, [])
    with pytest.raises(DataError, match=r"'y' holds dates .*, which are neither classes nor numbers") as caught:
        read(days, tmp_path)
    assert caught.value.hint == "name another column with label=; types={'y': 'text'} makes each date a class"
    assert read(days, tmp_path, y="text") == (days, [])


def test_dates_of_a_frame_are_classes_where_they_are_few():
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=day) for day in range(28)]
    few = pa.table({"y": days[:2]})
    column, _ = infer_label(few, "y", {})
    assert read_label(few["y"], column).to_pylist() == ["2024-01-01", "2024-01-02"]
    assert read_label(few["y"], None).to_pylist() == ["2024-01-01", "2024-01-02"]
    for values in (pa.array(days), pa.array(days).dictionary_encode()):
        with pytest.raises(DataError, match=r"holds dates of type .*date32"):
            infer_label(pa.table({"y": values}), "y", {})
