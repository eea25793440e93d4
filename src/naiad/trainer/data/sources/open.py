"""The one door for data: tells the sources apart by what was given."""

import difflib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from naiad.errors import DataError, nearest
from naiad.trainer.data.sources.arrays import open_arrays
from naiad.trainer.data.sources.cifar import is_cifar, open_cifar
from naiad.trainer.data.sources.folder import holds_images, open_folder
from naiad.trainer.data.sources.idx import is_idx, open_idx
from naiad.trainer.data.sources.named import names, open_named
from naiad.trainer.data.sources.raw_data import SPLITS, RawData, merged
from naiad.trainer.data.sources.table import is_table_file, open_table
from naiad.trainer.data.sources.torch_dataset import open_torch_dataset
from naiad.trainer.machine.device import free_memory_bytes


def open_source(data: Any, *, label: str | None = None, memory_limit_bytes: int | None = None) -> RawData:
    """``data``: a path, a name, (X, y), X, a dictionary of any of these by split, a torch Dataset, a DataFrame or pyarrow table.

    Raises DataError. ``label`` names the label column of a table.
    """
    limit = default_memory_limit_bytes() if memory_limit_bytes is None else memory_limit_bytes
    if data is None:
        raise DataError("no data was given", hint="give a path, a name, arrays or a Dataset")
    if isinstance(data, str | Path):
        return _open_text(data, label)
    if isinstance(data, Mapping):
        return _open_splits(data, label, limit)
    if isinstance(data, Dataset):
        return open_torch_dataset(data, memory_limit_bytes=limit)
    if _is_table(data):
        return open_table(data, label=label)
    return open_arrays(data)


def default_memory_limit_bytes() -> int:
    """A quarter of what is free to this process now."""
    return free_memory_bytes() // 4


def with_validation(raw: RawData, validation: RawData) -> RawData:
    """``raw`` with the validation split of ``validation``, or with all of it when it has no splits. Raises DataError."""
    if validation.kind is not raw.kind:
        raise DataError(f"the validation data is {validation.kind}, the training data is {raw.kind}")
    splits = {**raw.splits, "validation": validation.only("validation")}
    return replace(raw, splits=splits, findings=raw.findings + validation.findings)


def _open_text(data: str | Path, label: str | None) -> RawData:
    """A known name comes before a path: ``./digits`` is the path."""
    name = str(data).lower().replace("_", "-")
    return open_named(name) if isinstance(data, str) and name in names() else _open_path(Path(data).expanduser(), label)


def _open_splits(data: Mapping[str, Any], label: str | None, limit: int) -> RawData:
    if not data or not set(data) <= set(SPLITS):
        raise DataError(f"a dictionary with the keys {list(data)} was given", hint=f"known keys: {', '.join(SPLITS)}")
    parts = {key: open_source(part, label=label, memory_limit_bytes=limit) for key, part in data.items()}
    return merged(next(iter(parts.values())).name, parts)


def _open_path(path: Path, label: str | None) -> RawData:
    if not path.exists():
        raise DataError(f"{path} does not exist", hint=_nearest(path))
    if is_idx(path):
        return open_idx(path)
    if path.is_file():
        if is_table_file(path):
            return open_table(path, label=label)
        if path.name.lower().endswith(("-ubyte", "-ubyte.gz", ".idx", ".idx.gz")):
            return open_idx(path)
        raise DataError(
            f"{path} is no data that Naiad reads",
            hint="give a folder of images, IDX or CIFAR files, or a .csv, .tsv or .parquet file",
        )
    if not any(path.iterdir()):
        raise DataError(f"{path} is an empty folder", hint="give a folder with a folder of images a class")
    if is_cifar(path):
        return open_cifar(path)
    if _holds_tables(path) and not holds_images(path):
        return open_table(path, label=label)
    return open_folder(path)


def _holds_tables(path: Path) -> bool:
    return any(is_table_file(child) for child in path.iterdir() if child.is_file())


def _nearest(path: Path) -> str:
    """The nearest sibling when there is one, else the nearest of the known names."""
    siblings = [child.name for child in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, [*names(), *siblings], n=1)
    if close and close[0] not in names():
        return f"did you mean {str(path.parent / close[0])!r}?"
    return f"give a path that exists, or a known name; {nearest(path.name, names())}"


def _is_table(data: Any) -> bool:
    """Of pyarrow, pandas, polars and others that give Arrow; none of them need be installed."""
    return hasattr(data, "__arrow_c_stream__") or (hasattr(data, "columns") and hasattr(data, "iloc"))
