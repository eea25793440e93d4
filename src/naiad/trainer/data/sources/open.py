"""Opens data of any supported source; recognises the source by the argument's type or the path's contents."""

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset

from naiad.errors import DataError, describe_value, did_you_mean
from naiad.trainer.data.layout import InputLayout, Layout
from naiad.trainer.data.sources.arrays import apply_layout, open_arrays
from naiad.trainer.data.sources.cifar import is_cifar, open_cifar
from naiad.trainer.data.sources.containers import is_item_list, is_iterator, is_map_style
from naiad.trainer.data.sources.csv_file import text_columns_of
from naiad.trainer.data.sources.folder import open_folder
from naiad.trainer.data.sources.frame_pair import is_frame_pair, open_frame_pair
from naiad.trainer.data.sources.frames import is_frame
from naiad.trainer.data.sources.idx import is_idx, open_idx
from naiad.trainer.data.sources.image_files import has_images, image_suffixes, list_folder
from naiad.trainer.data.sources.image_pair import is_image_pair, is_path_pair, open_path_pair, pair_items
from naiad.trainer.data.sources.named import dataset_names, open_named
from naiad.trainer.data.sources.raw_data import SPLITS, InputKind, RawData
from naiad.trainer.data.sources.split_classes import merge_splits, with_class_names
from naiad.trainer.data.sources.table import is_table_file, names_images, open_table
from naiad.trainer.data.sources.table_options import DEFAULT_TABLE_OPTIONS, TableOptions
from naiad.trainer.data.sources.torch_dataset import open_torch_dataset
from naiad.trainer.machine.device import free_memory_bytes

_LONGEST_PATH = 100
"""Letters of a path in a message, where it is too long for the system."""
_ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar")


def open_source(
    data: Any,
    *,
    label: str | int | None = None,
    memory_limit_bytes: int | None = None,
    layout: Layout | None = None,
    table: TableOptions = DEFAULT_TABLE_OPTIONS,
    known_classes: Collection[str] = (),
) -> RawData:
    """Opens a path, a name, (X, y), X, a Dataset, a DataLoader, a DataFrame, a table, or a dictionary of any of these by split.

    label: the label's column of a table, or its part of a Dataset's items. memory_limit_bytes: larger Datasets are streamed.
    layout: that of arrays; None is the default one. table: what is known of a table's columns, besides the label.
    known_classes: those of a trained model; a folder with the name of one is a class, and does not only wrap the data.
    Raises DataError.
    """
    limit = default_memory_limit_bytes() if memory_limit_bytes is None else memory_limit_bytes
    if data is None:
        raise DataError("no data was given", hint="give a path, a name, arrays or a Dataset")
    table = replace(table, label=None if label is None else str(label))
    options = _Options(table, limit, layout, known_classes)
    if isinstance(data, Mapping):
        return _open_splits(data, options)
    raw = _open_one(data, options)
    if table.types and raw.kind is not InputKind.TABLE:
        raise DataError(
            f"types names the column {next(iter(table.types))!r}, but the data are of kind {raw.kind}",
            hint="leave types out, or give a table",
        )
    return raw if layout is None else apply_layout(raw, InputLayout(layout))


@dataclass(frozen=True)
class _Options:
    """Options of ``open_source``."""

    table: TableOptions
    memory_limit_bytes: int
    layout: Layout | None
    known_classes: Collection[str]


def _open_one(data: Any, options: _Options) -> RawData:
    if isinstance(data, bytes | bytearray):
        raise DataError(f"data is a path as str, given {describe_value(data)}", hint="give os.fsdecode(path)")
    return next(open_format for is_format, open_format in _FORMATS if is_format(data))(data, options)


def _open_items(data: Any, options: _Options) -> RawData:
    return open_torch_dataset(
        data, memory_limit_bytes=options.memory_limit_bytes, label=options.table.label, layout=options.layout
    )


def _open_image_pair(data: Any, options: _Options) -> RawData:
    items, findings = pair_items(data)
    raw = _open_items(items, options)
    return replace(raw, findings=findings + raw.findings)


def _open_name_or_path(data: str | PathLike[str], options: _Options) -> RawData:
    """Prefers a known name to a path: ``digits`` is the name, ``./digits`` the path."""
    name = str(data).lower().replace("_", "-")
    if isinstance(data, str) and name in dataset_names():
        return open_named(name)
    if not str(data):
        raise DataError("the name of the data is empty", hint="give a path or a known name; '.' is the folder here")
    try:
        path = Path(data).expanduser()
    except RuntimeError as error:
        raise DataError(f"{data} does not exist: {error}", hint="give the whole path") from error
    return _open_path(path, options)


_FORMATS: tuple[tuple[Callable[[Any], bool], Callable[[Any, _Options], RawData]], ...] = (
    (lambda data: isinstance(data, str | PathLike), _open_name_or_path),
    (lambda data: isinstance(data, Dataset | DataLoader) or is_item_list(data), _open_items),
    (is_frame, lambda data, options: open_table(data, options.table)),
    (is_frame_pair, lambda data, options: open_frame_pair(data, options.table, options.layout)),
    (is_path_pair, lambda data, _: open_path_pair(data)),
    (is_image_pair, _open_image_pair),
    (lambda data: is_map_style(data) or is_iterator(data), _open_items),
    (lambda _: True, lambda data, options: open_arrays(data, layout=options.layout)),
)
"""Forms of data and how each is opened; the first that fits is taken, and arrays are all else."""


def default_memory_limit_bytes() -> int:
    """Returns a quarter of the memory that is free to this process now."""
    return free_memory_bytes() // 4


def add_validation(raw: RawData, validation: RawData) -> RawData:
    """Returns ``raw`` with the validation split of ``validation``, or all of it where it has no splits. Raises DataError."""
    if validation.kind is not raw.kind:
        raise DataError(f"the validation data is of kind {validation.kind}, the training data of kind {raw.kind}")
    split = with_class_names(validation.get_split("validation"), validation, raw)
    splits = {**raw.splits, "validation": split}
    return replace(raw, splits=splits, findings=raw.findings + validation.findings)


def _open_splits(data: Mapping[str, Any], options: _Options) -> RawData:
    """Opens the training split first: the other files have the same columns of text."""
    if not data or not set(data) <= set(SPLITS):
        raise DataError(
            f"a dictionary with the keys {list(data)} was given, but its keys are splits: {', '.join(SPLITS)}",
            hint='give (X, y) for arrays of your own: (data["x"], data["y"])',
        )
    opened: dict[str, RawData] = {}
    for key in sorted(data, key=lambda key: key != "train"):
        opened[key] = open_source(
            data[key],
            label=options.table.label,
            memory_limit_bytes=options.memory_limit_bytes,
            layout=options.layout,
            table=like_training_split(options.table, opened.get("train")),
            known_classes=options.known_classes,
        )
    return merge_splits(opened[next(iter(data))].name, {key: opened[key] for key in data})


def like_training_split(table: TableOptions, train: RawData | None) -> TableOptions:
    """Returns the options with the text columns of the training split, for a file with the same columns."""
    if train is None or train.kind is not InputKind.TABLE:
        return table
    return replace(table, text_columns={**text_columns_of(train.splits["train"].inputs), **table.text_columns})


def _open_path(path: Path, options: _Options) -> RawData:
    if not _exists(path):
        raise DataError(f"{path} does not exist", hint=_suggest(path))
    if is_idx(path):
        return open_idx(path)
    if path.is_file():
        return _open_file(path, options.table)
    if not list_folder(path):
        raise DataError(f"{path} is an empty folder", hint="give a folder that has one folder of images a class")
    return open_cifar(path) if is_cifar(path) else _open_folder(path, options)


def _open_file(path: Path, table: TableOptions) -> RawData:
    if is_table_file(path):
        return open_table(path, table)
    if path.name.lower().endswith(("-ubyte", "-ubyte.gz", ".idx", ".idx.gz")):
        return open_idx(path)
    raise DataError(f"{path} is in no format that Naiad reads", hint=_suggest_for_file(path))


def _suggest_for_file(path: Path) -> str:
    if path.name.lower().endswith(_ARCHIVE_SUFFIXES):
        return "unpack the archive, and give its folder"
    if path.suffix.lower() in image_suffixes():
        return "give the folder with one folder of images a class; to predict an image: naiad predict ARTIFACT FILE"
    return "give a folder of images, IDX or CIFAR files, or a .csv, .tsv or .parquet file"


def _open_folder(path: Path, options: _Options) -> RawData:
    """Prefers classes that are folders to tables beside the images, which may list them."""
    if not _has_tables(path):
        return open_folder(path, known_classes=options.known_classes)
    if not has_images(path):
        return open_table(path, options.table)
    raw = open_folder(path, known_classes=options.known_classes)
    if not _has_classes(raw):
        return open_table(path, options.table)
    is_inside = any(item.kind == "wrapper-folder" for item in raw.findings.items)
    return (_open_image_table(path, options) if is_inside else None) or raw


def _open_image_table(path: Path, options: _Options) -> RawData | None:
    """Returns the tables in the folder; None where they cannot be read, or do not name images as those below the folder."""
    try:
        raw = open_table(path, options.table)
    except DataError:
        return None
    return raw if any(map(names_images, raw.splits["train"].inputs.columns)) else None


def _has_classes(raw: RawData) -> bool:
    """Whether the folders are classes, so that tables beside them are not what names the images."""
    labels = raw.splits["train"].targets
    return labels is not None and len(np.unique(labels)) > 1


def _has_tables(path: Path) -> bool:
    return any(is_table_file(child) for child in list_folder(path) if child.is_file())


def _exists(path: Path) -> bool:
    """Raises DataError where the system cannot say: for a name that is too long, or a folder above that is closed."""
    try:
        return path.exists()
    except OSError as error:
        raise DataError(f"{str(path)[:_LONGEST_PATH]} cannot be read: {error.strerror}") from error


def _suggest(path: Path) -> str:
    """Returns the path of the sibling with the most similar name, if there is one, else a known name."""
    if path.is_symlink():
        return "it is a link to nothing: give the folder or file that it should lead to"
    if any(letter in str(path) for letter in "*?["):
        return "give the folder itself, not a pattern of its files"
    siblings = [child.name for child in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, [*dataset_names(), *siblings], n=1)
    if close and close[0] not in dataset_names():
        return f"did you mean {str(path.parent / close[0])!r}?"
    return f"give a path that exists, or a known name; {did_you_mean(path.name, dataset_names())}"
