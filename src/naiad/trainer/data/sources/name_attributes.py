"""Attributes in which a Dataset keeps the names of its classes, in the forms in which people write them."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from naiad.trainer.data.sources.stored_labels import read_attribute

ClassNames = tuple[tuple[int, str], ...]
"""Number and name of each class, in the order of the numbers."""

ATTRIBUTES = (
    *("classes", "class_names", "class_to_idx", "idx_to_class"),
    *("id2label", "label2id", "label_names", "categories"),
)


def read_names(dataset: Any) -> tuple[str | None, ClassNames | None, Any]:
    """Returns the attribute that names the classes, the names, and its value; None for what there is not.

    A mapping says its numbers, so it counts more than a list, whose order may be another one.
    """
    values = {name: read_attribute(dataset, name) for name in ATTRIBUTES}
    given = {name: value for name, value in values.items() if value is not None and not callable(value)}
    for name in sorted(given, key=lambda each: not isinstance(given[each], Mapping)):
        names = parse_names(given[name])
        if names is not None:
            return name, names, given[name]
    attribute, value = next(iter(given.items()), (None, None))
    return attribute, None, value


def parse_names(value: Any) -> ClassNames | None:
    """Returns the numbers and names, from a sequence of names or a mapping either way; None for anything else."""
    if not hasattr(value, "tolist"):  # a ClassLabel of Hugging Face; pandas' Index has names of another kind
        value = getattr(value, "names", value)
    if isinstance(value, Mapping):
        return _parse_mapping(value)
    if isinstance(value, Tensor):
        value = value.tolist()
    is_array = hasattr(value, "tolist") and hasattr(value, "dtype")
    if not isinstance(value, list | tuple) and not (is_array and getattr(value, "ndim", 0) == 1):
        return None
    return _unique(enumerate(value))


def counts_from_zero(names: ClassNames) -> bool:
    return [number for number, _ in names] == list(range(len(names)))


def _parse_mapping(value: Mapping[Any, Any]) -> ClassNames | None:
    """Reads a mapping from numbers to names, also with numbers as text, as JSON has them, or from names to numbers."""
    if all(map(_is_number, value)):
        return _unique(value.items())
    if all(map(_is_number, value.values())):
        return _unique((number, name) for name, number in value.items())
    if all(isinstance(key, str) and key.removeprefix("-").isdecimal() for key in value):
        return _unique((int(key), name) for key, name in value.items())
    return None


def _unique(pairs: Iterable[tuple[Any, Any]]) -> ClassNames | None:
    """Returns the pairs in the order of their numbers; None where a number or a name is there twice, or there is none."""
    names = sorted((int(number), _as_text(name)) for number, name in pairs)
    is_unique = len({number for number, _ in names}) == len({name for _, name in names}) == len(names)
    return tuple(names) if names and is_unique else None


def _as_text(name: Any) -> str:
    """Returns the name; several names of one class, as ImageNet has, are separated by commas."""
    if isinstance(name, bytes):
        return name.decode(errors="replace")
    return ", ".join(map(str, name)) if isinstance(name, tuple | list) else str(name)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
