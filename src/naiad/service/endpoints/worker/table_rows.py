"""Rows of a table from JSON or CSV, as the slots that a program takes.

Shape legend: N rows, F slots.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from naiad.errors import DataError
from naiad.service.endpoints.worker.array_formats import array_of
from naiad.service.endpoints.worker.inference import Unfit
from naiad.service.endpoints.worker.input_schema import TableSchema
from naiad.trainer.data.table_encoding import encode_table


def slots_of_json(value: Any, schema: TableSchema) -> npt.NDArray[np.float32]:
    """(N, F) of objects, of one object, of {"columns": {…}}, or of lists of cells in the columns' order. Raises Unfit."""
    if isinstance(value, dict):
        value = value["columns"] if isinstance(value.get("columns"), dict) else [value]
    if isinstance(value, dict):
        return _slots(value, schema)
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        names = [column.name for column in schema.columns]
        absent = [name for name in names if not any(name in row for row in value)]
        if absent:
            raise Unfit(400, f"the rows have no {absent[0]!r}; this model takes {', '.join(names)}")
        return _slots({name: [row.get(name) for row in value] for name in names}, schema)
    if isinstance(value, list) and value and all(isinstance(row, list) for row in value):
        return slots_of_cells(value, schema)
    if isinstance(value, list) and value and len(value) == len(schema.columns):
        return slots_of_cells([value], schema)
    return np.asarray(schema.fit(array_of(value)), dtype=np.float32)


def slots_of_csv(rows: list[list[str]], schema: TableSchema, *, header: str) -> npt.NDArray[np.float32]:
    """header: present, absent, or "" where the first row has to tell. Raises Unfit."""
    names = {column.name for column in schema.columns}
    if header == "present" or (header != "absent" and names <= {cell.strip() for cell in rows[0]}):
        if len(rows) == 1:
            raise Unfit(400, "there is a header and no row under it")
        head = [cell.strip() for cell in rows[0]]
        columns = {name: [row[at] if at < len(row) else "" for row in rows[1:]] for at, name in enumerate(head)}
        return _slots({name: _nulled(cells) for name, cells in columns.items()}, schema)
    return slots_of_cells([_nulled(row) for row in rows], schema)


def slots_of_cells(rows: list[list[Any]], schema: TableSchema) -> npt.NDArray[np.float32]:
    """Cells in the columns' order. Raises Unfit."""
    wanted = [column.name for column in schema.columns]
    for row in rows:
        if len(row) != len(wanted):
            raise Unfit(400, f"a row has {len(row)} cells; this model takes {len(wanted)}: {', '.join(wanted)}")
    return _slots({name: [row[at] for row in rows] for at, name in enumerate(wanted)}, schema)


def _slots(columns: dict[str, Any], schema: TableSchema) -> npt.NDArray[np.float32]:
    try:
        table = pa.table({name: _array(name, cells) for name, cells in columns.items()})
        return encode_table(table, schema.columns)
    except DataError as error:
        raise Unfit(400, str(error)) from None
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise Unfit(400, f"the rows are no table: {str(error)[:200]}") from None


def _array(name: str, cells: Any) -> pa.Array:
    """Cells of one kind; what is mixed is taken as text, which columns read as what they are."""
    if not isinstance(cells, list):
        raise Unfit(400, f"the column {name!r} is no list")
    if any(isinstance(cell, list | dict) for cell in cells):
        raise Unfit(400, f"the column {name!r} holds lists or objects; a cell is a number or a text")
    try:
        return pa.array(cells)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if cell is None else str(cell) for cell in cells])


def _nulled(cells: list[str]) -> list[str | None]:
    return [cell if cell.strip() else None for cell in cells]
