"""Tables whose rows name image files: the images become the samples, where no other column is there to learn from.

Shape legend: N rows.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from naiad.errors import DataError
from naiad.trainer.data.category_text import trim
from naiad.trainer.data.cleaning.label_column import infer_label, read_label
from naiad.trainer.data.cleaning.table_splits import extract_targets
from naiad.trainer.data.cleaning.tables import choose_columns
from naiad.trainer.data.column_types import ColumnType, TypeName
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.sources.raw_data import ImageFiles, InputKind, RawData, RawSplit
from naiad.trainer.data.sources.table import as_table, names_images

_SAMPLE_CELLS = 100
_MAX_FOLDERS = 50
"""Folders beside the table in which the files are looked for."""


def replace_image_paths(raw: RawData, *, always: bool = False) -> RawData:
    """Returns the images of a table that names them, with its labels; other data, and a table to learn from, as it is.

    always: also where there are other columns, as for a model of images. Raises DataError where the files are not there.
    """
    if raw.kind is not InputKind.TABLE:
        return raw
    train: pa.Table = raw.splits["train"].inputs
    names = find_image_columns(train, raw.label, raw.types)
    if not names:
        return raw
    is_asked = always or names[0] in raw.types
    if not is_asked and _has_other_inputs(raw, names):
        return _ignore(raw, names)
    if len(names) > 1:
        listed = ", ".join(map(repr, names))
        raise DataError(
            f"the columns {listed} name images, and one of them can be learnt from",
            hint=f"name it: types={{{names[0]!r}: 'image'}}",
        )
    return _to_images(raw, names[0])


def image_paths_of(data: Any) -> list[Path]:
    """Returns (N,) the images that a table names: a frame, a file, rows as mappings. Raises DataError where it names none."""
    table = as_table(data)
    names = find_image_columns(table, None, {})
    if len(names) != 1:
        listed = ", ".join(map(repr, names or table.column_names))
        problem = "more than one column names images" if names else "no column names images"
        raise DataError(f"{problem}: {listed}", hint="give a list of paths")
    folder = Path(data).expanduser().parent if isinstance(data, str | Path) else Path()
    return read_image_paths(table, names[0], folder)


def find_image_columns(table: pa.Table, label: str | None, types: Mapping[str, ColumnType]) -> list[str]:
    """Returns the columns that the user calls images, else those whose cells are names of image files."""
    asked = [name for name, column in types.items() if column.name is TypeName.IMAGE]
    others = [name for name in table.column_names if name != label and name not in types]
    return asked or [name for name in others if names_images(table[name])]


def read_image_paths(table: pa.Table, column: str, folder: Path) -> list[Path]:
    """Returns (N,) the paths in a column. They stand in ``folder``, in one below it, or are absolute. Raises DataError."""
    cells = [cell or "" for cell in trim(table[column].cast(pa.string())).to_pylist()]
    sample = [cell for cell in cells if cell][:_SAMPLE_CELLS]
    for root in _roots(folder):
        if sum((root / cell).is_file() for cell in sample) * 2 > len(sample):
            return [root / cell for cell in cells]
    raise DataError(
        f"the column {column!r} names images such as {sample[0]!r}, which are not in {folder.absolute()}"
        if sample
        else f"the column {column!r} names no image",
        hint=f"give paths that begin there, absolute ones, or leave the column out: types={{{column!r}: 'ignore'}}",
    )


def _has_other_inputs(raw: RawData, image_columns: list[str]) -> bool:
    """Whether a column is left to learn from that is neither an identifier nor constant."""
    train: pa.Table = raw.splits["train"].inputs
    types = {**raw.types, **dict.fromkeys(image_columns, ColumnType(TypeName.IGNORE))}
    try:
        _, findings = choose_columns(train, label=raw.label, types=types)
    except DataError:
        return False
    return not any(item.kind == "identifier-column" and item.action is Action.REPORTED for item in findings.items)


def _ignore(raw: RawData, names: list[str]) -> RawData:
    message = (
        f"names of images, not used beside other columns: types={{{names[0]!r}: 'image'}} would learn from the images"
    )
    finding = Finding("image-column", "train", len(names), Action.REPORTED, message, tuple(names))
    types = {**raw.types, **dict.fromkeys(names, ColumnType(TypeName.IGNORE))}
    return replace(raw, types=types, findings=raw.findings + Findings((finding,)))


def _to_images(raw: RawData, column: str) -> RawData:
    findings, label_column = raw.findings, None
    if raw.label is not None:
        label_column, label_findings = infer_label(raw.splits["train"].inputs, raw.label, raw.types)
        findings += label_findings
    splits = {}
    for name, split in raw.splits.items():
        table: pa.Table = split.inputs
        if column not in table.column_names:
            raise DataError(f"{name} has no column {column!r}, which names the images of train")
        paths = read_image_paths(table, column, split.folder)
        targets = None
        if raw.label is not None and raw.label in table.column_names:
            labels = pa.table({raw.label: read_label(table[raw.label], label_column)})
            targets = extract_targets(labels, raw.label)
        splits[name] = RawSplit(ImageFiles(paths), targets, [str(cell) for cell in table[column].to_pylist()])
    unused = [each for each in raw.splits["train"].inputs.column_names if each not in (column, raw.label)]
    message = (
        f"the images that column {column!r} names are learnt from: types={{{column!r}: 'ignore'}} would leave them out"
    )
    findings += Findings((Finding("image-column", "train", len(splits["train"]), Action.REPORTED, message, (column,)),))
    if unused:
        message = "columns beside the images: they are not used"
        findings += Findings(
            (Finding("unused-column", "train", len(unused), Action.REPORTED, message, tuple(unused[:5])),)
        )
    return RawData(
        raw.name,
        InputKind.PIL_IMAGES,
        splits,
        target_name=raw.target_name,
        labels_required=raw.labels_required,
        findings=findings,
    )


def _roots(folder: Path) -> list[Path]:
    """Returns the folders in which the files may stand: the table's, the current one, and those beside the table."""
    below = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return [folder, Path(), *below[:_MAX_FOLDERS]]
