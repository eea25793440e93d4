"""Reads Parquet files whose values memory can hold, by what the file's own footer says of them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from naiad.errors import DataError
from naiad.trainer.machine.device import free_memory_bytes

_BYTES_BY_TYPE = {"BOOLEAN": 1 / 8, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 8, "BYTE_ARRAY": 4}
"""Least memory of a value; of texts and bytes it is the offset."""


def read_parquet(path: Path) -> pa.Table:
    """Raises DataError for a file with more values than memory holds, and pyarrow's own errors."""
    with pa.parquet.ParquetFile(path) as file:
        values_bytes = _least_bytes(file.metadata)
    free_bytes = free_memory_bytes()
    if values_bytes > free_bytes:
        raise DataError(
            f"{path} holds {values_bytes:,} bytes of values, and {free_bytes:,} bytes of memory are free",
            hint="train on a machine with more memory, or on a part of the rows",
        )
    return pa.parquet.read_table(path)


def _least_bytes(metadata: pa.parquet.FileMetaData) -> int:
    """Returns the memory that the values take at least: unpacked pages, or one value a row where a page repeats it."""
    pages_bytes: int = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    columns = [metadata.schema.column(index) for index in range(metadata.num_columns)]
    row_bytes = sum(
        column.length if column.physical_type == "FIXED_LEN_BYTE_ARRAY" else _BYTES_BY_TYPE.get(column.physical_type, 0)
        for column in columns
        if column.max_repetition_level == 0
    )
    return max(pages_bytes, int(metadata.num_rows * row_bytes))
