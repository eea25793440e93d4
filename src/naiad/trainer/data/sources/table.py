"""Reads tables: CSV, TSV and Parquet files, folders of them, data frames, and mappings of columns."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from naiad.errors import DataError, did_you_mean
from naiad.trainer.data.category_text import trim
from naiad.trainer.data.column_types import check_columns_exist
from naiad.trainer.data.columns import is_text
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.number_text import PLAIN
from naiad.trainer.data.sources.arrays import numbered_names
from naiad.trainer.data.sources.csv_file import TextColumns, read_csv, text_columns_of
from naiad.trainer.data.sources.frames import drop_index, from_memory, is_frame, is_series
from naiad.trainer.data.sources.image_files import image_suffixes
from naiad.trainer.data.sources.parquet_file import read_parquet
from naiad.trainer.data.sources.raw_data import SPLITS, InputKind, RawData, RawSplit
from naiad.trainer.data.sources.reading_findings import report_reading
from naiad.trainer.data.sources.table_options import DEFAULT_TABLE_OPTIONS, TableOptions

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
_DEFAULT_LABELS = ("label", "target", "class")
_IMAGE_CELLS = 400
"""Cells that are looked at for names of images."""
_MIN_IMAGE_FRACTION = 0.95


def is_table_file(path: Path) -> bool:
    return path.suffix.lower() in TABLE_SUFFIXES


def is_tabular(data: Any) -> bool:
    """Whether ``as_table`` takes the object for a table with named columns: a frame, a row by name, mappings, a table's file."""
    if isinstance(data, str | Path):
        return is_table_file(Path(data))
    if is_frame(data) or is_series(data) or isinstance(data, Mapping):
        return True
    return isinstance(data, list) and bool(data) and all(isinstance(row, Mapping) for row in data)


def open_table(data: Any, options: TableOptions = DEFAULT_TABLE_OPTIONS) -> RawData:
    """Opens a file, a folder of files, a data frame or a pyarrow table. The label stays a column. Raises DataError."""
    if isinstance(data, Path) and data.is_dir():
        tables = _read_folder(data, options)
    else:
        tables = {"train": as_table(data, options.all_text_columns, keep=options.index_columns)}
    train, name = tables["train"], data.name if isinstance(data, Path) else "table"
    check_columns_exist(options.types, train.column_names)
    label, findings = _choose_label(train, options.label)
    for split, table in tables.items():
        if not table.num_rows:
            raise DataError(
                f"{name} has no rows in its {split} split, only the columns {_format_names(table.column_names)}"
            )
    folder = _folder_of(data)
    splits = {
        split: RawSplit(table, None, numbered_names("row", table.num_rows), folder=folder)
        for split, table in tables.items()
    }
    return RawData(
        name,
        InputKind.TABLE,
        splits,
        target_name=label if label is not None else "label",
        label=label,
        findings=findings + report_reading(train),
        types=options.types,
    )


def names_images(values: pa.ChunkedArray) -> bool:
    """Whether the column is text whose first cells end like names of image files."""
    if not is_text(values):
        return False
    cells = [cell for cell in trim(values.slice(0, _IMAGE_CELLS).cast(pa.string())).to_pylist() if cell]
    suffixes = tuple(image_suffixes()) if cells and "." in cells[0] else ()
    return bool(suffixes) and sum(cell.lower().endswith(suffixes) for cell in cells) >= _MIN_IMAGE_FRACTION * len(cells)


def _folder_of(data: Any) -> Path:
    """Returns the folder from which paths in the table's cells are meant."""
    if not isinstance(data, Path):
        return Path()
    return data if data.is_dir() else data.parent


def read_table(path: Path, text_columns: TextColumns | None = None, *, keep: Collection[str] = ()) -> pa.Table:
    """Reads a CSV, TSV or Parquet file, by its suffix. Raises DataError. keep: names of pandas' index that are columns."""
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return _check_column_names(drop_index(read_parquet(path), keep=keep), "the table")
        return _check_column_names(read_csv(path, text_columns or {}), path.name)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        first_line = str(error).splitlines()[0]
        raise DataError(
            f"{path} cannot be read as a table: {first_line}", hint="give CSV with a header, or Parquet"
        ) from error


def as_table(data: Any, text_columns: TextColumns | None = None, *, keep: Collection[str] = ()) -> pa.Table:
    """Returns a path, a data frame, a table, a mapping of columns or a sequence of rows as a pyarrow table. Raises DataError.

    text_columns: columns of a CSV file that are text. keep: names of a frame's index that are columns.
    """
    if isinstance(data, str | Path):
        path = Path(data).expanduser()
        if not path.is_file():
            raise DataError(f"{path} is no file", hint="give a .csv, .tsv or .parquet file")
        return read_table(path, text_columns, keep=keep)
    table = from_memory(data, keep=keep)
    if table is not None:
        return _check_column_names(table, "the table" if isinstance(data, pa.Table) else "the data frame")
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


def _read_folder(folder: Path, options: TableOptions) -> dict[str, pa.Table]:
    """Returns the tables by split: of ``train.csv``, ``test.csv``, …, or one of all files, in the order of their names."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and is_table_file(path))
    by_split = {_SPLIT_NAMES[path.stem.lower()]: path for path in files if path.stem.lower() in _SPLIT_NAMES}
    if "train" in by_split:
        train = read_table(by_split["train"], options.all_text_columns, keep=options.index_columns)
        text_columns = {**text_columns_of(train), **options.all_text_columns}
        others = [split for split in SPLITS if split in by_split and split != "train"]
        return {
            "train": train,
            **{split: read_table(by_split[split], text_columns, keep=options.index_columns) for split in others},
        }
    if by_split:
        raise DataError(f"{folder} has {', '.join(path.name for path in files)}, but no train table")
    tables = _read_parts(files, options)
    try:
        return {"train": pa.concat_tables(tables, promote_options="permissive")}
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        names = ", ".join(path.name for path in files)
        raise DataError(f"{names} in {folder} do not have the same columns: {error}") from error


def _read_parts(files: Sequence[Path], options: TableOptions) -> list[pa.Table]:
    """Returns the tables of the files; a column that is text in one of them is read as text from all."""
    tables = [read_table(path, options.all_text_columns, keep=options.index_columns) for path in files]
    text_columns: dict[str, frozenset[str] | None] = {}
    for table in tables:
        text_columns |= {name: words for name, words in text_columns_of(table).items() if name not in text_columns}
    for position, (path, table) in enumerate(zip(files, tables, strict=True)):
        if not set(text_columns) & set(table.column_names) <= set(text_columns_of(table)):
            asked = {**text_columns, **options.all_text_columns}
            tables[position] = read_table(path, asked, keep=options.index_columns)
    return tables


def _check_column_names(table: pa.Table, name: str) -> pa.Table:
    duplicates = sorted({column for column in table.column_names if table.column_names.count(column) > 1})
    if duplicates:
        is_data = any(re.match(PLAIN, column) for column in duplicates)
        hint = "put a line of names above the data, if the first line is data" if is_data else "rename them"
        raise DataError(f"{name} has more than one column {', '.join(map(repr, duplicates))}", hint=hint)
    return table


def _format_names(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")
