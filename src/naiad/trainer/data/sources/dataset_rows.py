"""Datasets whose items are rows of a table: mappings of single numbers and texts, as Hugging Face's are."""

from collections.abc import Callable, Mapping
from typing import Any

from naiad.trainer.data.sources.dataset_items import LABEL_NAMES, is_single_value
from naiad.trainer.data.sources.raw_data import RawData
from naiad.trainer.data.sources.table import open_table
from naiad.trainer.data.sources.table_options import TableOptions


def is_table_row(item: Any, *, label: str | None) -> bool:
    """Whether an item is a mapping of single numbers and texts, besides the label."""
    if not isinstance(item, Mapping):
        return False
    names = [name for name in item if str(name) != label and str(name).lower() not in LABEL_NAMES]
    return bool(names) and all(is_single_value(item[name]) for name in names)


def open_rows(dataset: Any, first: Mapping[str, Any], *, label: str | None, read: Callable[[Any, int], Any]) -> RawData:
    """Opens a Dataset of rows, of which ``first`` is the first. read: reads an item, or raises DataError."""
    known = [str(name) for name in first if str(name).lower() in LABEL_NAMES]
    label = known[0] if label is None and len(known) == 1 else label
    if hasattr(dataset, "with_format") and hasattr(dataset, "features"):
        table = dataset.with_format("arrow")[:]
        return open_table(_decode_class_labels(table, dataset.features), TableOptions(label=label))
    items = (read(dataset, index) for index in range(len(dataset)))
    return open_table([_plain_row(item) for item in items], TableOptions(label=label))


def _plain_row(item: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value.item() if hasattr(value, "item") else value for name, value in item.items()}


def _decode_class_labels(table: Any, features: Mapping[str, Any]) -> Any:
    """Returns the table of a Hugging Face Dataset with the names of its ClassLabels in place of their numbers."""
    for place, column in enumerate(table.column_names):
        names = getattr(features.get(column), "names", None)
        if names:
            values = table[column].to_pylist()
            decoded = [None if value is None or value < 0 else names[value] for value in values]
            table = table.set_column(place, column, [decoded])
    return table
