"""Tables that are in memory: pandas and polars frames, Arrow tables, mappings of columns, rows, one row as a Series.

Gives pyarrow tables of plain types. Knows no library but pyarrow: frames are recognised by their methods.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from naiad.errors import DataError

INDEX = b"naiad.index"
"""Key of the metadata: names of the index that was left out, separated by newlines."""
_CONVERSION_ERRORS = (pa.ArrowException, OverflowError, TypeError, ValueError)


def is_frame(data: Any) -> bool:
    """Whether the object is a table of pyarrow, pandas, polars or another library that exports Arrow."""
    return hasattr(data, "__arrow_c_stream__") or (hasattr(data, "columns") and hasattr(data, "iloc"))


def is_series(data: Any) -> bool:
    """Whether the object is a Series of pandas: one row by name, or one column."""
    return hasattr(data, "iloc") and hasattr(data, "index") and not hasattr(data, "columns")


def from_memory(data: Any, *, keep: Collection[str] = ()) -> pa.Table | None:
    """Returns the table; None for an object that is none. keep: names of an index that are columns. Raises DataError."""
    if isinstance(data, pa.RecordBatch):
        return drop_index(pa.Table.from_batches([data]), keep=keep)
    if isinstance(data, pa.Table):
        return drop_index(data, keep=keep)
    if is_series(data):
        return _from_columns({str(name): [value] for name, value in zip(data.index, data.tolist(), strict=True)})
    if is_frame(data):
        return _from_pandas(data, keep) if hasattr(data, "iloc") else _from_arrow_stream(data)
    return _from_python(data)


def drop_index(table: pa.Table, *, keep: Collection[str] = ()) -> pa.Table:
    """Returns the table in plain types, without the columns that pandas writes its index to, unless they are in ``keep``."""
    metadata = table.schema.pandas_metadata or {}
    index = {name for name in metadata.get("index_columns", ()) if isinstance(name, str)}
    index |= {name for name in table.column_names if name.startswith("__index_level_")}
    dropped = {name for name in index if name in table.column_names and name not in keep}
    kept = [
        (name, values) for name, values in zip(table.column_names, table.columns, strict=True) if name not in dropped
    ]
    left_out = [name for name in table.column_names if name in dropped and not name.startswith("__index_level_")]
    arrays = [to_plain_type(values) for _, values in kept]
    metadata = {**_reading_metadata(table), **(_index_metadata(left_out) or {})}
    return pa.Table.from_arrays(arrays, names=[name for name, _ in kept], metadata=metadata or None)


def to_plain_type(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns the same values without views, extension types and run ends."""
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return to_plain_type(values.cast(kind.storage_type))
    if pa.types.is_run_end_encoded(kind):
        return to_plain_type(pc.run_end_decode(values))
    if pa.types.is_string_view(kind):
        return values.cast(pa.large_string())
    if pa.types.is_binary_view(kind):
        return values.cast(pa.large_binary())
    if pa.types.is_dictionary(kind) and pa.types.is_string_view(kind.value_type):
        return values.cast(pa.dictionary(pa.int32(), pa.large_string()))
    return values


def _from_python(data: Any) -> pa.Table | None:
    """Returns the table of a mapping of columns, or of a sequence of rows as mappings; None for another object."""
    if isinstance(data, Mapping):
        return _from_columns({str(name): _to_cells(values) for name, values in data.items()})
    if isinstance(data, Sequence) and data and all(isinstance(row, Mapping) for row in data):
        rows = [{str(name): value for name, value in row.items()} for row in data]
        names = dict.fromkeys(name for row in rows for name in row)
        return _from_columns({name: [row.get(name) for row in rows] for name in names})
    return None


def _from_pandas(frame: Any, keep: Collection[str]) -> pa.Table:
    """Converts column by column: one of mixed objects has no Arrow type and becomes text."""
    index = [name for name in getattr(frame.index, "names", ()) if name is not None]
    names = [str(name) for name in frame.columns]
    arrays = [_from_pandas_column(frame.iloc[:, position]) for position in range(len(names))]
    kept = [name for name in index if str(name) in keep and str(name) not in names]
    arrays += [_from_pandas_column(frame.index.get_level_values(name).to_series()) for name in kept]
    left_out = [str(name) for name in index if name not in kept]
    return pa.Table.from_arrays(arrays, names=[*names, *map(str, kept)], metadata=_index_metadata(left_out))


def _from_pandas_column(series: Any) -> pa.ChunkedArray:
    kind = str(series.dtype)
    if kind.startswith("Sparse"):
        series = series.sparse.to_dense()
    elif kind.startswith("period"):
        series = series.dt.to_timestamp()
    elif kind.startswith("interval") or str(getattr(series.dtype, "categories", "")).startswith("IntervalIndex"):
        series = series.astype(object)  # an interval, as pd.cut gives it, is a category
    array = _to_arrow_array(series)
    return to_plain_type(array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array]))


def _from_arrow_stream(data: Any) -> pa.Table:
    try:
        table = pa.table(data)
    except _CONVERSION_ERRORS as error:
        raise DataError(
            f"the {type(data).__name__} has a column that Arrow cannot take: {str(error).splitlines()[0]}",
            hint="convert the column to whole numbers, floats, text or dates",
        ) from error
    return drop_index(table)


def _from_columns(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the columns differ in length: {lengths}")
    return pa.table({name: _to_arrow_array(values) for name, values in columns.items()})


def _to_arrow_array(values: Any) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(values, from_pandas=True)
    except _CONVERSION_ERRORS:
        return pa.array([None if _is_missing(value) else str(value) for value in values], pa.string())


def _is_missing(value: Any) -> bool:
    """Whether the value is None, NaN, NaT or pandas' NA."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _to_cells(values: Any) -> Sequence[Any]:
    """Returns a column's cells; a single value is a column of one row."""
    if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
        return [values]
    cells = values.tolist() if hasattr(values, "tolist") else list(values)
    return cells if isinstance(cells, list) else [cells]


def _reading_metadata(table: pa.Table) -> dict[bytes, bytes]:
    """Returns what the reading of a file has said about the table."""
    return {key: value for key, value in (table.schema.metadata or {}).items() if key.startswith(b"naiad.")}


def _index_metadata(names: Sequence[str]) -> dict[bytes, bytes] | None:
    return {INDEX: "\n".join(names).encode()} if names else None
