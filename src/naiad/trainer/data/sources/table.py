"""Tables: CSV, TSV and Parquet files, folders of them, data frames, and what else becomes a pyarrow table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from naiad.errors import DataError, nearest
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.sources.raw_data import SPLITS, Kind, RawData, RawSplit

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".pq")
_STEMS = {
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
_USUAL_LABELS = ("label", "target", "class")


def is_table_file(path: Path) -> bool:
    return path.suffix.lower() in TABLE_SUFFIXES


def open_table(data: Any, *, label: str | None) -> RawData:
    """``data``: a file, a folder of files, a data frame, a pyarrow table. The label stays a column. Raises DataError.

    Without ``label`` a column that is called so is taken; without such a column the table has no label.
    """
    tables = _folder_splits(data) if isinstance(data, Path) and data.is_dir() else {"train": as_table(data)}
    label, findings = _label_column(tables["train"], label)
    name = data.name if isinstance(data, Path) else "table"
    for split, table in tables.items():
        if not table.num_rows:
            raise DataError(f"{name} has no rows in its {split} split, only the columns {_shown(table.column_names)}")
    splits = {split: RawSplit(table, None, row_names(table.num_rows)) for split, table in tables.items()}
    target_name = label if label is not None else "label"
    return RawData(name, Kind.TABLE, splits, target_name=target_name, label=label, findings=findings)


def read_table(path: Path) -> pa.Table:
    """Raises DataError when the file is no table of its kind."""
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return _without_index(pa.parquet.read_table(path))
        return _checked(_read_csv(path), path.name)
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
        first = str(error).splitlines()[0]
        raise DataError(
            f"{path} cannot be read as a table: {first}", hint="give CSV with a header, or Parquet"
        ) from error


def as_table(data: Any) -> pa.Table:
    """From a path, a data frame, a table, a mapping of columns, or a sequence of mappings, one a row. Raises DataError."""
    if isinstance(data, str | Path):
        path = Path(data).expanduser()
        if not path.is_file():
            raise DataError(f"{path} is no file", hint="give a .csv, .tsv or .parquet file")
        return read_table(path)
    if isinstance(data, pa.Table):
        return _checked(data, "the table")
    if hasattr(data, "iloc") and hasattr(data, "columns"):
        return _from_pandas(data)
    if hasattr(data, "__arrow_c_stream__"):
        return _checked(pa.table(data), "the table")
    if isinstance(data, Mapping):
        return _from_columns({str(name): _cells(values) for name, values in data.items()})
    if isinstance(data, Sequence) and data and all(isinstance(row, Mapping) for row in data):
        names = dict.fromkeys(str(name) for row in data for name in row)
        return _from_columns({name: [row.get(name) for row in data] for name in names})
    raise DataError(
        f"a table was expected, given {type(data).__name__}",
        hint="give a DataFrame, a pyarrow table, a mapping of columns, a list of rows as mappings, or a file",
    )


def row_names(count: int) -> list[str]:
    return [f"row {index}" for index in range(count)]


def _label_column(train: pa.Table, label: str | None) -> tuple[str | None, Findings]:
    names = train.column_names
    if label is not None:
        if label not in names:
            raise DataError(f"the table has no column {label!r} to use as label", hint=nearest(label, names))
        return label, Findings()
    usual = next((name for name in _USUAL_LABELS if name in names), None)
    what = f"the column {usual!r} is taken as label" if usual else "no column is called label, so there is none"
    message = f"{what}; name another with label=, one of {_shown(names)}"
    told = Finding("label-not-named", "train", 1, Action.TOLD, message, (usual,) if usual else ())
    return usual, Findings((told,))


def _folder_splits(folder: Path) -> dict[str, pa.Table]:
    """``train.csv``, ``test.csv``, … by their names; files with other names are parts of one table, in their order."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and is_table_file(path))
    by_split = {_STEMS[path.stem.lower()]: path for path in files if path.stem.lower() in _STEMS}
    if "train" in by_split:
        return {split: read_table(by_split[split]) for split in SPLITS if split in by_split}
    if by_split:
        raise DataError(f"{folder} has {', '.join(path.name for path in files)}, but no train table")
    parts = [read_table(path) for path in files]
    try:
        return {"train": pa.concat_tables(parts, promote_options="permissive")}
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        names = ", ".join(path.name for path in files)
        raise DataError(f"{names} in {folder} do not have the same columns: {error}") from error


def _read_csv(path: Path) -> pa.Table:
    """pyarrow takes a column's type from the file's first block; where a later one differs, all columns are read as text."""
    parse = pa.csv.ParseOptions(delimiter=_delimiter(path), newlines_in_values=True)
    convert = pa.csv.ConvertOptions(strings_can_be_null=True)
    try:
        return pa.csv.read_csv(path, parse_options=parse, convert_options=convert)
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise
    with pa.csv.open_csv(path, parse_options=parse) as reader:
        convert.column_types = dict.fromkeys(reader.schema.names, pa.string())
    return pa.csv.read_csv(path, parse_options=parse, convert_options=convert)


def _delimiter(path: Path) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    with path.open("rb") as file:
        header = file.readline(65_536).decode("utf-8", errors="replace")
    return max(_DELIMITERS, key=header.count)


def _from_pandas(frame: Any) -> pa.Table:
    """Column by column, since a column of mixed objects has no Arrow type: it becomes text."""
    names = [str(name) for name in frame.columns]
    arrays = [_array(frame.iloc[:, place]) for place in range(len(names))]
    return _checked(pa.Table.from_arrays(arrays, names=names), "the data frame")


def _from_columns(columns: Mapping[str, list[Any]]) -> pa.Table:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the columns differ in length: {lengths}")
    return pa.table({name: _array(values) for name, values in columns.items()})


def _array(values: Any) -> pa.Array:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array([None if _is_gap(value) else str(value) for value in values], pa.string())


def _is_gap(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124  # reason: NaN


def _cells(values: Any) -> list[Any]:
    """One row may be given as plain values."""
    return [values] if isinstance(values, str) or not hasattr(values, "__len__") else list(values)


def _without_index(table: pa.Table) -> pa.Table:
    """pandas writes its index into Parquet as one more column."""
    index = [name for name in table.column_names if name.startswith("__index_level_")]
    return _checked(table.drop_columns(index), "the table")


def _checked(table: pa.Table, name: str) -> pa.Table:
    twice = sorted({column for column in table.column_names if table.column_names.count(column) > 1})
    if twice:
        raise DataError(f"{name} has more than one column {', '.join(map(repr, twice))}", hint="rename them")
    return table


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")
