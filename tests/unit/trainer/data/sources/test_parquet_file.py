"""Parquet files: what they hold, and how much of it memory must hold."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from naiad.errors import DataError
from naiad.trainer.data.sources.parquet_file import read_parquet

ROWS = 1_000_000


def test_a_table_is_read(tmp_path):
    table = pa.table({"a": [1, 2], "b": ["x", None], "c": [[1.0], []], "d": [True, False]})
    pq.write_table(table, tmp_path / "x.parquet")
    assert read_parquet(tmp_path / "x.parquet").equals(table)


def test_a_small_file_of_many_equal_rows_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": pa.array([7] * ROWS), "b": pa.array([True] * ROWS)}), path, compression="zstd")
    assert path.stat().st_size < 20_000
    monkeypatch.setattr("naiad.trainer.data.sources.parquet_file.free_memory_bytes", lambda: 8 * ROWS)
    with pytest.raises(DataError, match="holds 8,125,000 bytes of values, and 8,000,000 bytes of memory are free"):
        read_parquet(path)
