"""Reads tables: CSV, TSV and Parquet files, folders of them, data frames, and mappings of columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from naiad.errors import DataError, did_you_mean
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.sources.arrays import numbered_names
from naiad.trainer.data.sources.raw_data import SPLITS, InputKind, RawData, RawSplit

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".pq")
_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
_DELIMITERS = ",;\t|"
_DEFAULT_LABELS = ("label", "target", "class")


def is_table_file(path: Path) -> bool:
    return path.suffix.lower() in TABLE_SUFFIXES


def open_table(data: Any, *, label: str | None) -> RawData:
    """Opens a file, a folder of files, a data frame or a pyarrow table. The label stays a column. Raises DataError.

    label: None takes the column ``label``, ``target`` or ``class``, if there is one.
    """
    tables = _read_folder(data) if isinstance(data, Path) and data.is_dir() else {"train": as_table(data)}
    label, findings = _choose_label(tables["train"], label)
    name = data.name if isinstance(data, Path) else "table"
    for split, table in tables.items():
        if not table.num_rows:
            raise DataError(
                f"{name} has no rows in its {split} split, only the columns {_format_names(table.column_names)}"
            )
    splits = {split: RawSplit(table, None, numbered_names("row", table.num_rows)) for split, table in tables.items()}
    target_name = label if label is not None else "label"
    return RawData(name, InputKind.TABLE, splits, target_name=target_name, label=label, findings=findings)


def read_table(path: Path) -> pa.Table:
    """Reads a CSV, TSV or Parquet file, by its suffix. Raises DataError."""
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return _drop_pandas_index(pa.parquet.read_table(path))
        return _check_column_names(_read_csv(path), path.name)
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
        first_line = str(error).splitlines()[0]
        raise DataError(
            f"{path} cannot be read as a table: {first_line}", hint="give CSV with a header, or Parquet"
        ) from error


def as_table(data: Any) -> pa.Table:
    """Returns a path, a data frame, a table, a mapping of columns or a sequence of rows as a pyarrow table. Raises DataError."""
    if isinstance(data, str | Path):
        path = Path(data).expanduser()
        if not path.is_file():
            raise DataError(f"{path} is no file", hint="give a .csv, .tsv or .parquet file")
        return read_table(path)
    if isinstance(data, pa.Table):
        return _check_column_names(data, "the table")
    if hasattr(data, "iloc") and hasattr(data, "columns"):
        return _from_pandas(data)
    if hasattr(data, "__arrow_c_stream__"):
        return _check_column_names(pa.table(data), "the table")
    if isinstance(data, Mapping):
        return _from_columns({str(name): _to_cells(values) for name, values in data.items()})
    if isinstance(data, Sequence) and data and all(isinstance(row, Mapping) for row in data):
        names = dict.fromkeys(str(name) for row in data for name in row)
        return _from_columns({name: [row.get(name) for row in data] for name in names})
    raise DataError(
        f"a table was expected, given {type(data).__name__}",
        hint="give a DataFrame, a pyarrow table, a mapping of columns, a list of rows as mappings, or a file",
    )


def _choose_label(train: pa.Table, label: str | None) -> tuple[str | None, Findings]:
    names = train.column_names
    if label is not None:
        if label not in names:
            raise DataError(f"the table has no column {label!r} to use as label", hint=did_you_mean(label, names))
        return label, Findings()
    default = next((name for name in _DEFAULT_LABELS if name in names), None)
    choice = f"the column {default!r} is used as label" if default else "the table has no column called label"
    message = f"{choice}; choose one with label=, of {_format_names(names)}"
    finding = Finding("label-not-named", "train", 1, Action.REPORTED, message, (default,) if default else ())
    return default, Findings((finding,))


def _read_folder(folder: Path) -> dict[str, pa.Table]:
    """Returns the tables by split: of ``train.csv``, ``test.csv``, …, or one of all files, in the order of their names."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and is_table_file(path))
    by_split = {_SPLIT_NAMES[path.stem.lower()]: path for path in files if path.stem.lower() in _SPLIT_NAMES}
    if "train" in by_split:
        return {split: read_table(by_split[split]) for split in SPLITS if split in by_split}
    if by_split:
        raise DataError(f"{folder} has {', '.join(path.name for path in files)}, but no train table")
    tables = [read_table(path) for path in files]
    try:
        return {"train": pa.concat_tables(tables, promote_options="permissive")}
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        names = ", ".join(path.name for path in files)
        raise DataError(f"{names} in {folder} do not have the same columns: {error}") from error


def _read_csv(path: Path) -> pa.Table:
    """Reads a file whose columns may change their type: pyarrow infers it from the first block, so then all are read as text."""
    parse = pa.csv.ParseOptions(delimiter=_find_delimiter(path), newlines_in_values=True)
    conversion = pa.csv.ConvertOptions(strings_can_be_null=True)
    try:
        return pa.csv.read_csv(path, parse_options=parse, convert_options=conversion)
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise
    with pa.csv.open_csv(path, parse_options=parse) as reader:
        conversion.column_types = dict.fromkeys(reader.schema.names, pa.string())
    return pa.csv.read_csv(path, parse_options=parse, convert_options=conversion)


def _find_delimiter(path: Path) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    with path.open("rb") as file:
        header = file.readline(65_536).decode("utf-8", errors="replace")
    return max(_DELIMITERS, key=header.count)


def _from_pandas(frame: Any) -> pa.Table:
    """Converts column by column: one of mixed objects has no Arrow type and becomes text."""
    names = [str(name) for name in frame.columns]
    arrays = [_to_arrow_array(frame.iloc[:, index]) for index in range(len(names))]
    return _check_column_names(pa.Table.from_arrays(arrays, names=names), "the data frame")


def _from_columns(columns: Mapping[str, list[Any]]) -> pa.Table:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the columns differ in length: {lengths}")
    return pa.table({name: _to_arrow_array(values) for name, values in columns.items()})


def _to_arrow_array(values: Any) -> pa.Array:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array([None if _is_missing(value) else str(value) for value in values], pa.string())


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124  # reason: NaN


def _to_cells(values: Any) -> list[Any]:
    """Returns a column's cells; a single value is a column of one row."""
    return [values] if isinstance(values, str) or not hasattr(values, "__len__") else list(values)


def _drop_pandas_index(table: pa.Table) -> pa.Table:
    """Removes the columns that pandas writes its index to."""
    index = [name for name in table.column_names if name.startswith("__index_level_")]
    return _check_column_names(table.drop_columns(index), "the table")


def _check_column_names(table: pa.Table, name: str) -> pa.Table:
    duplicates = sorted({column for column in table.column_names if table.column_names.count(column) > 1})
    if duplicates:
        raise DataError(f"{name} has more than one column {', '.join(map(repr, duplicates))}", hint="rename them")
    return table


def _format_names(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")
