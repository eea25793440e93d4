"""What ``naiad inspect`` shows, also of data that cannot be trained on."""

import json

import numpy as np
import pyarrow as pa
import pytest

import naiad
from naiad.errors import DataError


def test_good_data():
    X, y = np.random.default_rng(0).integers(0, 255, (40, 6, 6), dtype=np.uint8), np.arange(40) % 4
    seen = naiad.inspect((X, y))
    assert (seen.kind, seen.task, seen.sample_shape, seen.dtype) == ("images", "classification", (1, 6, 6), "uint8")
    assert seen.classes == {"train": {"0": 10, "1": 10, "2": 10, "3": 10}}
    assert seen.splits == {"train": 40}
    assert seen.memory_bytes == 40 * 36
    assert seen.problems == ()


def test_data_that_cannot_be_trained_on_is_shown_with_the_reason():
    seen = naiad.inspect((np.random.default_rng(0).random((40, 3)), np.zeros(40)), task="classification")
    assert seen.task is None
    assert len(seen.problems) == 1
    assert "at least two classes" in seen.problems[0]
    assert seen.splits == {"train": 40}


def test_a_table_with_its_findings():
    table = pa.table({"id": range(40), "x": [1.5, None] * 20, "y": ["a", "b"] * 20})
    seen = naiad.inspect(table, label="y")
    assert {item.kind for item in seen.findings.items} >= {"identifier-column", "missing-cells"}
    assert seen.target_name == "y"


def test_it_goes_into_json():
    seen = naiad.inspect(pa.table({"x": [1.5, 2.5] * 20, "id": range(40), "y": [0, 1] * 20}), label="y")
    values = json.loads(json.dumps(seen.to_json()))
    assert values["sample_shape"] == [1]
    assert values["quarantine"][0]["name"] == "column id"
    assert values["findings"][0]["action"] == "left out"


def test_nothing_to_look_at_is_an_error():
    with pytest.raises(DataError, match="does not exist"):
        naiad.inspect("/nowhere/at/all")
