import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from PIL import Image

from naiad.client import request_body
from naiad.client.request_body import make_bodies, read_body
from naiad.errors import DataError

ROWS = [{"x": 1, "kind": "a"}, {"x": 2, "kind": "b"}]


def arrays(inputs: Any) -> list[np.ndarray]:
    bodies = make_bodies(inputs)
    assert {content_type for _, content_type in bodies} == {"application/x-npy"}
    return [np.load(io.BytesIO(body), allow_pickle=False) for body, _ in bodies]


def rows(inputs: Any) -> list[Any]:
    bodies = make_bodies(inputs)
    assert {content_type for _, content_type in bodies} == {"application/json"}
    return [row for body, _ in bodies for row in json.loads(body)["instances"]]


@pytest.mark.parametrize(
    "values", [np.arange(6, dtype=np.uint8).reshape(2, 3), torch.arange(6).reshape(2, 3), [[0, 1, 2], [3, 4, 5]]]
)
def test_arrays_tensors_and_lists_as_npy(values: Any) -> None:
    (array,) = arrays(values)
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert array.dtype == np.asarray(values).dtype


@pytest.mark.parametrize(
    "table",
    [
        ROWS,
        pd.DataFrame(ROWS),
        pa.Table.from_pylist(ROWS),
        {"x": [1, 2], "kind": ["a", "b"]},
        {"x": np.array([1, 2]), "kind": np.array(["a", "b"])},
    ],
)
def test_tables_as_rows(table: Any) -> None:
    assert rows(table) == ROWS


def test_one_row() -> None:
    assert rows({"x": 1, "kind": "a"}) == ROWS[:1]


def test_missing_values_are_null_and_times_are_texts() -> None:
    cells = {
        "nan": float("nan"),
        "infinite": np.float32("inf"),
        "none": None,
        "nat": pd.NaT,
        "nat64": np.datetime64("NaT"),
        "day": dt.date(2024, 2, 29),
        "moment": np.datetime64("2024-02-29T12:00"),
        "count": np.int64(3),
        "yes": np.bool_(True),
    }
    (row,) = rows([cells])
    assert [name for name, value in row.items() if value is None] == ["nan", "infinite", "none", "nat", "nat64"]
    assert (row["day"], row["moment"], row["count"], row["yes"]) == ("2024-02-29", "2024-02-29T12:00", 3, True)


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.png", "image/png"),
        ("a.JPG", "image/jpeg"),
        ("a.webp", "application/x-image"),
        ("a", "application/x-image"),
        ("a.csv", "text/csv"),
        ("a.npy", "application/x-npy"),
        ("a.jsonl", "application/jsonlines"),
    ],
)
def test_files_are_sent_as_they_are(tmp_path: Path, name: str, content_type: str) -> None:
    (tmp_path / name).write_bytes(b"content")
    assert make_bodies(tmp_path / name) == make_bodies([str(tmp_path / name)]) == [(b"content", content_type)]


def test_images_files_and_arrays_may_be_mixed_and_stay_in_order(tmp_path: Path) -> None:
    picture = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    picture.save(tmp_path / "a.png")
    bodies = make_bodies([picture, tmp_path / "a.png", np.zeros((8, 8))])
    assert [content_type for _, content_type in bodies] == ["image/png", "image/png", "application/x-npy"]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(bodies[0].content))), np.asarray(picture))


def test_inputs_too_large_for_one_request_are_split_between_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "MAX_BYTES", 1000)
    values = np.arange(3000, dtype=np.int32).reshape(300, 10)
    parts = arrays(values)
    assert len(parts) > 1
    assert np.array_equal(np.concatenate(parts), values)
    table = [{"x": number} for number in range(500)]
    assert rows(table) == table
    assert max(len(body) for body, _ in make_bodies(table)) <= 1000


def test_one_large_sample_is_not_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "MAX_BYTES", 1000)
    (array,) = arrays(np.zeros((1, 4000), dtype=np.uint8))
    assert array.shape == (1, 4000)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.array(["a", "b"]), "an array of <U1 cannot be sent"),
        (np.array([{}, []], dtype=object), "an array of object cannot be sent"),
        ([[1, 2], [3]], "the input is no array"),
        (torch.zeros(2, dtype=torch.bfloat16), "the input is no array"),
        ([{"x": object()}], "cannot be sent as JSON"),
        ({"x": [1, 2], "y": [1]}, "not equally long"),
        ({"x": [1, 2], "y": 1}, "not equally long"),
        (Path("nowhere.png"), r"nowhere\.png cannot be read"),
    ],
)
def test_inputs_that_cannot_be_sent_are_refused(inputs: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make_bodies(inputs)


def test_a_table_that_the_server_does_not_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").touch()
    with pytest.raises(DataError, match=r"a\.parquet cannot be sent as it is"):
        read_body(tmp_path / "a.parquet")
