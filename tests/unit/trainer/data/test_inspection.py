"""Inspection of data, also of data that cannot be trained on."""

import json

import numpy as np
import pyarrow as pa
import pytest

import naiad
from naiad.errors import DataError, OptionError


def test_good_data():
    X, y = np.random.default_rng(0).integers(0, 255, (40, 6, 6), dtype=np.uint8), np.arange(40) % 4
    inspection = naiad.inspect((X, y))
    assert (inspection.kind, inspection.task) == ("images", "classification")
    assert (inspection.sample_shape, inspection.dtype) == ((1, 6, 6), "uint8")
    assert inspection.classes == {"train": {"0": 10, "1": 10, "2": 10, "3": 10}}
    assert inspection.splits == {"train": 40}
    assert inspection.memory_bytes == 40 * 36
    assert inspection.problems == ()


def test_data_that_cannot_be_trained_on_has_a_problem():
    inspection = naiad.inspect((np.random.default_rng(0).random((40, 3)), np.zeros(40)), task="classification")
    assert inspection.task is None
    assert len(inspection.problems) == 1
    assert "at least two classes" in inspection.problems[0]
    assert inspection.splits == {"train": 40}


def test_a_table_has_findings():
    table = pa.table({"id": range(40), "x": [1.5, None] * 20, "y": ["a", "b"] * 20})
    inspection = naiad.inspect(table, label="y")
    assert {item.kind for item in inspection.findings.items} >= {"identifier-column", "missing-cells"}
    assert inspection.target_name == "y"


def test_json():
    inspection = naiad.inspect(pa.table({"x": [1.5, 2.5] * 20, "id": range(40), "y": [0, 1] * 20}), label="y")
    values = json.loads(json.dumps(inspection.to_json()))
    assert values["sample_shape"] == [1]
    assert values["quarantine"][0]["name"] == "column id"
    assert values["findings"][0]["action"] == "quarantined"


def test_a_path_that_does_not_exist_is_an_error():
    with pytest.raises(DataError, match="does not exist"):
        naiad.inspect("/nowhere/at/all")


def test_a_folder_of_images(image_folder):
    values = json.loads(json.dumps(naiad.inspect(image_folder).to_json()))
    assert values["splits"] == {"train": 12, "test": 12}
    assert values["classes"]["train"] == {"cat": 6, "dog": 6}
    assert values["sample_shape"] == [3, 6, 7]
    assert values["problems"] == []
    assert values["quarantine"][0]["kind"] == "unreadable-image"


def test_a_csv_file_says_how_it_was_read(tmp_path):
    (tmp_path / "x.csv").write_text("x;y\n" + "1,5;a\n2,5;b\n" * 10)
    inspection = naiad.inspect(tmp_path / "x.csv", label="y")
    assert inspection.to_json()["reading"] == "UTF-8, separated by semicolons"
    assert [column.detail for column in inspection.columns] == ["written as 1.234,5", ""]


def test_a_seed_that_is_none_is_refused():
    circle = []
    circle.append(circle)  # numpy's generator ends the process with it
    for seed in (circle, -1, 2**32, 0.5, True, "1"):
        with pytest.raises(OptionError, match="seed must be a whole number"):
            naiad.inspect((np.zeros((20, 2)), [0, 1] * 10), seed=seed)
