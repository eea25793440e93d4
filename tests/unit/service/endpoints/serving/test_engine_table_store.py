import json
import logging
from pathlib import Path
from typing import Any

import pytest

from naiad.service.blobs.open import open_blobs
from naiad.service.endpoints.serving.engine_table_store import engine_table_uri, store_engine_table


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"ModelDataUrl": "s3://data/a/model.tar.gz"}, "s3://data/a/model.tar.gz.engines.json"),
        ({"ModelDataUrl": "s3://data/a/b.tar.gz"}, "s3://data/a/b.tar.gz.engines.json"),
        ({"ModelDataSource": {"S3DataSource": {"S3Uri": "s3://data/a/run/"}}}, "s3://data/a/run.engines.json"),
        ({"ModelDataSource": {"S3DataSource": {"S3Uri": "s3://data/"}}}, None),
        ({}, None),
    ],
)
def test_the_table_is_named_after_the_models_data(container: dict[str, Any], expected: str | None) -> None:
    assert engine_table_uri(container) == expected


def test_a_table_replaces_an_earlier_one(tmp_path: Path) -> None:
    blobs = open_blobs(str(tmp_path))
    blobs.create_bucket("data")
    for chosen in ("torch", "openvino"):
        store_engine_table(blobs, "s3://data/m.tar.gz.engines.json", {"chosen": chosen})
    info, content = blobs.read("data", "m.tar.gz.engines.json")
    assert (json.loads(b"".join(content)), info.content_type) == ({"chosen": "openvino"}, "application/json")
    store_engine_table(blobs, None, {})
    assert len(blobs.list("data").objects) == 1


@pytest.mark.parametrize("uri", ["s3://nowhere/m.engines.json", "s3://data/" + "k" * 1025])
def test_a_failure_of_the_store_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture, uri: str) -> None:
    blobs = open_blobs(str(tmp_path))
    blobs.create_bucket("data")
    with caplog.at_level(logging.WARNING):
        store_engine_table(blobs, uri, {"chosen": "torch"})
    assert f"is not stored at {uri}" in caplog.text
    assert not blobs.list("data").objects
