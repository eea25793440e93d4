"""Items of a Dataset: which part is the input, and which the label.

Parts of a pair go by their place; parts of a mapping, a named tuple or a dataclass by their name. A part that is neither, such
as the index or a path, is not used, and reported. What could be a second input or a second label is refused.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor
from torch.utils.data import Subset

from naiad.errors import DataError, did_you_mean
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.sources.label_matrix import read_labels

_INPUT_NAMES = (
    *("x", "input", "inputs", "image", "images", "img", "pixel_values", "pixels", "input_ids", "tokens", "token_ids"),
    *("features", "data", "sequence", "series", "signal", "audio", "input_values", "values", "sample"),
)
LABEL_NAMES = ("y", "label", "labels", "target", "targets", "class")
_WEIGHT_NAMES = ("weight", "weights", "sample_weight", "sample_weights")
_METADATA_NAMES = (
    *("index", "idx", "id", "ids", "path", "paths", "file", "filename", "file_name", "name", "key", "__key__", "url"),
    *("attention_mask", "token_type_ids", "special_tokens_mask", "position_ids", "length", "lengths"),
)
_CHECKED_ITEMS = 4


@dataclass(frozen=True)
class ItemForm:
    """Keys of the parts of an item: places in a tuple, or names. Without keys an item is (x, y), (x,) or x alone."""

    input_key: int | str | None = None
    label_key: int | str | None = None
    """None where the items of the form ``input_key`` have no label."""
    weight_key: str | None = None
    """Name of the sample's weight; None where the items have none."""

    def split(self, item: Any) -> tuple[Any, Any]:
        """Returns (input, label); None is no label. Raises DataError for an item of another form."""
        if self.input_key is None:
            return _split_pair(item)
        parts = item if isinstance(self.input_key, int) else _named_parts(item)
        try:
            return parts[self.input_key], None if self.label_key is None else parts[self.label_key]  # type: ignore[index]
        except (KeyError, IndexError, TypeError) as error:
            keys = ", ".join(repr(key) for key in (self.input_key, self.label_key) if key is not None)
            raise DataError(
                f"an item is {describe_item(item)}, but the first one has the parts {keys}",
                hint="give items of one form",
            ) from error

    def weight(self, item: Any) -> Any:
        """Returns the sample's weight; None where the items have none."""
        parts = _named_parts(item) if self.weight_key is not None else None
        return None if parts is None else parts.get(self.weight_key)


def infer_item_form(dataset: Any, first: Any, *, label: str | None) -> tuple[ItemForm, Findings]:
    """Returns the form of the items, of which ``first`` is the first, and the parts that are not used. Raises DataError.

    label: the name of the label's part, where the items have names.
    """
    parts = _named_parts(first)
    if parts is not None:
        return _form_by_name(parts, label)
    if isinstance(first, tuple | list) and len(first) > 2:
        return _form_of_many_parts(dataset, first)
    _refuse_two_inputs(_split_pair(first)[0])
    return ItemForm(), Findings()


def infer_input_form(dataset: Any, first: Any, *, label: str) -> ItemForm:
    """Returns the form of items that may lack a label: the input is all that is looked for. Raises DataError.

    label: the name of the part that is none of the inputs, besides the usual names.
    """
    parts = _named_parts(first)
    if parts is None:
        return infer_item_form(dataset, first, label=None)[0]
    known = {key: value for key, value in parts.items() if str(key) != label and str(key).lower() not in LABEL_NAMES}
    return ItemForm(_find_input(known))


def describe_item(item: Any) -> str:
    """Returns text such as ``(float32 (3, 8, 8), int)``."""
    if isinstance(item, Mapping):
        return "{" + ", ".join(f"{key!r}: {_describe_part(value)}" for key, value in item.items()) + "}"
    if isinstance(item, tuple | list):
        return "(" + ", ".join(_describe_part(part) for part in item) + ")"
    return _describe_part(item)


def read_item_labels(labels: Sequence[Any]) -> tuple[npt.NDArray[Any] | None, Findings]:
    """Returns (N,), as ``read_labels`` does; None where no item has a label. Raises DataError."""
    if all(label is None for label in labels):
        return None, Findings()
    for index, label in enumerate(labels):
        if isinstance(label, Mapping | Image.Image) or (isinstance(label, Tensor) and label.ndim > 1):
            raise DataError(
                f"the label of item {index} is {describe_item(label)}, but one number or text a sample is needed",
                hint="give the class, or the number, in __getitem__",
            )
    return read_labels([label.item() if isinstance(label, Tensor) and label.ndim == 0 else label for label in labels])


# ---- parts by place


def _split_pair(item: Any) -> tuple[Any, Any]:
    if not isinstance(item, tuple | list):
        return item, None
    match item:
        case [inputs, label]:
            return inputs, label
        case [inputs]:
            return inputs, None
    raise DataError(f"an item of the Dataset has {len(item)} parts", hint="give items (x, y), or x alone")


def _form_of_many_parts(dataset: Any, first: Sequence[Any]) -> tuple[ItemForm, Findings]:
    """Takes (x, y, …) where everything after y is no number to learn from: an index, text, a mapping or None."""
    count = len(dataset)
    positions = sorted({position * (count - 1) // (_CHECKED_ITEMS - 1) for position in range(_CHECKED_ITEMS)})
    items = {position: dataset[position] if position else first for position in positions}
    for place in range(2, len(first)):
        is_index = count > 1 and all(
            _equals_index(dataset, position, item[place]) for position, item in items.items() if len(item) > place
        )
        if not (is_index or _is_metadata(first[place])):
            raise DataError(
                f"an item of the Dataset has {len(first)} parts, {describe_item(first)}, and only x and y are known",
                hint="give (x, y), or name the parts: {'x': …, 'label': …, 'weight': …}; two inputs are concatenated into one",
            )
    _refuse_two_inputs(first[0])
    return ItemForm(0, 1), _report_unused([f"part {place}" for place in range(2, len(first))], count)


def _equals_index(dataset: Any, position: int, part: Any) -> bool:
    if isinstance(part, bool) or not is_single_value(part) or isinstance(part, str):
        return False
    while isinstance(dataset, Subset):
        if part == position:
            return True
        position, dataset = int(dataset.indices[position]), dataset.dataset
    return bool(part == position)


def _is_metadata(part: Any) -> bool:
    return part is None or isinstance(part, str | bytes | PurePath | Mapping) or dataclasses.is_dataclass(part)


def _refuse_two_inputs(inputs: Any) -> None:
    if isinstance(inputs, tuple | list) and len(inputs) > 1 and all(_is_array(part) for part in inputs):
        raise _two_inputs_error(describe_item(inputs))


# ---- parts by name


def _named_parts(item: Any) -> Mapping[Any, Any] | None:
    """Returns the parts of a mapping, a dataclass, or a named tuple with a name that is known; None for other items."""
    if isinstance(item, Mapping):
        return item
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
    names = getattr(item, "_fields", ())
    if isinstance(item, tuple) and any(str(name).lower() in LABEL_NAMES + _INPUT_NAMES for name in names):
        return dict(zip(names, item, strict=True))
    return None


def _form_by_name(parts: Mapping[Any, Any], label: str | None) -> tuple[ItemForm, Findings]:
    label_key = _find_label(parts, label)
    weights = [key for key in parts if str(key).lower() in _WEIGHT_NAMES and key != label_key]
    weight_key = weights[0] if len(weights) == 1 and is_single_value(parts[weights[0]]) else None
    input_key = _find_input({key: value for key, value in parts.items() if key not in (label_key, weight_key)})
    others = [str(key) for key in parts if key not in (input_key, label_key, weight_key)]
    return ItemForm(input_key, label_key, weight_key), _report_unused(others, 1)


def _find_label(parts: Mapping[Any, Any], label: str | None) -> Any:
    """Returns the key of the label; None where no part can be one."""
    names = [str(key) for key in parts]
    if label is not None:
        if label not in parts:
            raise DataError(f"the items have no part {label!r} to use as label", hint=did_you_mean(label, names))
        return label
    known = [key for key in parts if str(key).lower() in LABEL_NAMES]
    if len(known) == 1:
        return known[0]
    others = _METADATA_NAMES + _WEIGHT_NAMES
    rest = [key for key, value in parts.items() if not _is_array(value) and str(key).lower() not in others]
    if known or rest:
        raise DataError(
            f"which part of an item is the label cannot be known: it has {', '.join(names)}", hint="name it with label="
        )
    return None


def _find_input(parts: Mapping[Any, Any]) -> Any:
    arrays = [key for key, value in parts.items() if _is_array(value) and str(key).lower() not in _METADATA_NAMES]
    if len(arrays) == 1:
        return arrays[0]
    if len(arrays) > 1:
        raise _two_inputs_error(", ".join(str(key) for key in arrays))
    texts = [key for key, value in parts.items() if isinstance(value, str) and str(key).lower() not in _METADATA_NAMES]
    if texts:
        raise DataError(
            f"the part {texts[0]!r} of the items is text, not numbers",
            hint="turn text into token ids of one length in __getitem__: {'input_ids': …, 'label': …}",
        )
    raise DataError(
        f"an item has no part to learn from: it is {describe_item(parts)}", hint="give items {'x': …, 'label': …}"
    )


def _report_unused(names: Sequence[str], count: int) -> Findings:
    if not names:
        return Findings()
    message = "parts of the items that are neither the input nor the label: they are not used"
    return Findings((Finding("unused-item-parts", "train", count, Action.REPORTED, message, tuple(names[:5])),))


# ---- values


def _two_inputs_error(names: str) -> DataError:
    return DataError(
        f"an item has several inputs, {names}, but a network takes one tensor here",
        hint="concatenate them in __getitem__, and split them at the beginning of forward",
    )


def _is_array(value: Any) -> bool:
    """Whether the value is an image, or numbers of at least one axis."""
    if isinstance(value, Image.Image):
        return True
    if isinstance(value, Tensor | np.ndarray):
        return value.ndim > 0
    return isinstance(value, list | tuple) and len(value) > 0 and not isinstance(value[0], str | Mapping)


def is_single_value(value: Any) -> bool:
    if isinstance(value, Tensor | np.ndarray):
        return value.ndim == 0
    return value is None or isinstance(value, str | int | float | bool | np.generic)


def _describe_part(part: Any) -> str:
    if isinstance(part, Tensor | np.ndarray):
        return f"{str(part.dtype).removeprefix('torch.')} {tuple(part.shape)}"
    return f"{part.mode} image" if isinstance(part, Image.Image) else type(part).__name__
