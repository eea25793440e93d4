"""Splits of a table: their schema, and targets of every type."""

import numpy as np
import pyarrow as pa
import pytest

from naiad.errors import DataError
from naiad.trainer.data.cleaning.table_splits import clean_table_splits, extract_targets
from naiad.trainer.data.sources.raw_data import InputKind, RawData, RawSplit
from naiad.trainer.data.sources.table import open_table
from naiad.trainer.data.sources.table_options import TableOptions


def raw(label="y", **tables):
    splits = {name: RawSplit(pa.table(table), None, [f"row {i}" for i in range(2)]) for name, table in tables.items()}
    return RawData("table", InputKind.TABLE, splits, label=label)


def test_all_splits_are_encoded_by_the_training_splits_schema():
    data = raw(train={"x": ["a", "b"], "y": [0, 1]}, test={"x": ["b", "new"], "y": [1, 0]})
    splits, schema, findings = clean_table_splits(data, None)
    assert splits["train"].samples.tensor.flatten().tolist() == [0, 1]
    assert splits["test"].samples.tensor.flatten().tolist() == [1, -1]
    assert splits["test"].targets.tolist() == [1, 0]
    assert [column.name for column in schema.columns] == ["x"]
    assert not findings.items


def test_a_trained_models_schema_is_used():
    _, schema, _ = clean_table_splits(raw(train={"x": ["a", "b"], "y": [0, 1]}), None)
    splits, used_schema, findings = clean_table_splits(raw(train={"x": ["b", "b"], "y": [1, 1]}), schema)
    assert used_schema is schema
    assert splits["train"].samples.tensor.flatten().tolist() == [1, 1]
    assert not findings.items
    with pytest.raises(DataError, match="no column 'x'"):
        clean_table_splits(raw(train={"z": [1, 2], "y": [0, 1]}), schema)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, 2], "i", [1, 2]),
        ([1, None], "f", [1.0, float("nan")]),
        ([2**53 + 1, None], "O", [2**53 + 1, None]),
        (pa.array([None, None], pa.int64()), "f", [float("nan"), float("nan")]),
        ([True, False], "b", [True, False]),
        (["a", None], "O", ["a", None]),
        (pa.array(["a", "b"]).dictionary_encode(), "O", ["a", "b"]),
    ],
)
def test_targets_of_every_type(values, kind, expected):
    targets = extract_targets(pa.table({"y": values}), "y")
    assert targets.dtype.kind == kind
    np.testing.assert_array_equal(targets, np.array(expected, dtype=targets.dtype))


def test_a_split_without_the_label_has_no_targets():
    assert extract_targets(pa.table({"x": [1]}), "y") is None
    assert extract_targets(pa.table({"x": [1]}), None) is None


def test_a_list_is_no_label():
    with pytest.raises(DataError, match="neither a class nor a number"):
        extract_targets(pa.table({"y": [[1, 2]]}), "y")


def test_an_unreadable_cell_is_repaired_in_every_split(tmp_path):
    for name, cell in (("train", "3"), ("test", "three")):
        (tmp_path / f"{name}.csv").write_text("x,y\n" + "1.5,0\n2,1\n" * 10 + f"{cell},0\n")
    _, _, findings = clean_table_splits(open_table(tmp_path, TableOptions(label="y")), None)
    assert [(item.kind, item.split, item.examples) for item in findings.items] == [
        ("mixed-types", "test", ("row 20: 'three'",))
    ]


def test_spaces_around_a_name_do_not_hide_the_column():
    _, schema, _ = clean_table_splits(raw(train={" x ": ["a", "b"], "y": [0, 1]}), None)
    splits, _, findings = clean_table_splits(raw(train={"x": ["b", "b"], "y": [1, 1]}), schema)
    assert splits["train"].samples.tensor.flatten().tolist() == [1, 1]
    assert not findings.items
    assert schema.encode({"x  ": ["b"]}).item() == 1


def test_a_test_split_has_the_codes_of_training_as_text():
    data = raw(train={"zip": ["007", "012"], "y": [0, 1]}, test={"zip": [7, 12], "y": [1, 0]})
    with pytest.raises(DataError, match="'zip' has the number 7, but the model was trained on the text '007'"):
        clean_table_splits(data, None)
