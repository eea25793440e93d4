"""Rows of a table, from JSON or CSV, encoded as the features that a program takes.

Shape legend: N rows, F features.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from naiad.errors import DataError
from naiad.service.endpoints.worker.array_formats import array_from_json
from naiad.service.endpoints.worker.inference import InferenceError
from naiad.service.endpoints.worker.input_schema import TableInput
from naiad.trainer.data.table_encoding import encode_table


def encode_json_rows(value: Any, schema: TableInput) -> npt.NDArray[np.float32]:
    """Returns (N, F). Raises InferenceError.

    value: objects, one object, {"columns": {…}}, or lists of cells in the columns' order.
    """
    if isinstance(value, dict):
        value = value["columns"] if isinstance(value.get("columns"), dict) else [value]
    if isinstance(value, dict):
        return _encode_columns(value, schema)
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        names = [column.name for column in schema.columns]
        missing = [name for name in names if not any(name in row for row in value)]
        if missing:
            raise InferenceError(400, f"the rows have no {missing[0]!r}; this model takes {', '.join(names)}")
        return _encode_columns({name: [row.get(name) for row in value] for name in names}, schema)
    if isinstance(value, list) and value and all(isinstance(row, list) for row in value):
        return encode_cells(value, schema)
    if isinstance(value, list) and value and len(value) == len(schema.columns):
        return encode_cells([value], schema)
    return np.asarray(schema.coerce(array_from_json(value)), dtype=np.float32)


def encode_csv_rows(rows: list[list[str]], schema: TableInput, *, header: str) -> npt.NDArray[np.float32]:
    """Returns (N, F). header: present, absent, or "" to decide by the first row. Raises InferenceError."""
    names = {column.name for column in schema.columns}
    if header == "present" or (header != "absent" and names <= {cell.strip() for cell in rows[0]}):
        if len(rows) == 1:
            raise InferenceError(400, "the body has a header and no row below it")
        head = [cell.strip() for cell in rows[0]]
        columns = {name: [row[at] if at < len(row) else "" for row in rows[1:]] for at, name in enumerate(head)}
        return _encode_columns(_drop_missing_words(columns, schema), schema)
    return _encode_columns(_drop_missing_words(_split_columns(rows, schema), schema), schema)


def encode_cells(rows: list[list[Any]], schema: TableInput) -> npt.NDArray[np.float32]:
    """Returns (N, F). rows: cells in the columns' order. Raises InferenceError."""
    return _encode_columns(_split_columns(rows, schema), schema)


def _split_columns(rows: list[list[Any]], schema: TableInput) -> dict[str, list[Any]]:
    """Returns the cells by column. Raises InferenceError where a row has another number of cells."""
    names = [column.name for column in schema.columns]
    for row in rows:
        if len(row) != len(names):
            raise InferenceError(400, f"a row has {len(row)} cells; this model takes {len(names)}: {', '.join(names)}")
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}


def _encode_columns(columns: dict[str, Any], schema: TableInput) -> npt.NDArray[np.float32]:
    try:
        table = pa.table({name: _to_arrow(name, cells) for name, cells in columns.items()})
        return encode_table(table, schema.columns)
    except DataError as error:
        raise InferenceError(400, str(error)) from None
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise InferenceError(400, f"the rows are not a table: {str(error)[:200]}") from None


def _to_arrow(name: str, cells: Any) -> pa.Array:
    """Returns cells of one type; mixed ones become text, which each column parses as its own kind."""
    if not isinstance(cells, list):
        raise InferenceError(400, f"the column {name!r} is not a list")
    if any(isinstance(cell, list | dict) for cell in cells):
        raise InferenceError(400, f"the column {name!r} holds lists or objects; a cell is a number or a text")
    try:
        return pa.array(cells)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if cell is None else str(cell) for cell in cells])


def _drop_missing_words(columns: dict[str, list[str]], schema: TableInput) -> dict[str, list[str | None]]:
    """Returns null for blank cells and for words such as NA, unless they are categories: as the trainer reads a CSV file."""
    missing = schema.missing_words
    return {name: _blank_to_null(cells, missing.get(name, frozenset())) for name, cells in columns.items()}


def _blank_to_null(cells: list[str], missing: frozenset[str]) -> list[str | None]:
    return [None if cell in missing or not cell.strip() else cell for cell in cells]
