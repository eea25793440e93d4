"""Inputs of a Dataset, a DataLoader or a stream, to be predicted: all of its items in their order, with or without labels."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, RandomSampler, SubsetRandomSampler

from naiad.errors import DataError
from naiad.trainer.data.sources.arrays import as_tensor
from naiad.trainer.data.sources.containers import is_map_style, read_item, to_map_style
from naiad.trainer.data.sources.dataset_items import infer_input_form
from naiad.trainer.data.sources.dataset_rows import is_table_row, open_rows
from naiad.trainer.data.sources.table import is_tabular


def is_item_source(data: Any) -> bool:
    """Whether the object gives items one by one, and is no array, no table and no list."""
    if isinstance(data, Dataset | DataLoader | Iterator):
        return True
    is_array = isinstance(data, Sequence) or hasattr(data, "toarray")
    return is_map_style(data) and not is_array and not is_tabular(data)


def read_inputs(data: Any, *, label: str, memory_limit_bytes: int) -> Any:
    """Returns the inputs of the items in their order: a tensor (N, …), a list of images or of arrays, or a table.

    label: the part of an item that is the answer, where it has one. memory_limit_bytes: bound of a stream.
    Warns where a DataLoader shuffles, as the order is that of its Dataset. Raises DataError.
    """
    if isinstance(data, DataLoader) and isinstance(data.sampler, RandomSampler | SubsetRandomSampler):
        warnings.warn(
            "the DataLoader shuffles, but the predictions are in the order of its Dataset", UserWarning, stacklevel=2
        )
    dataset, _ = to_map_style(data, memory_limit_bytes=memory_limit_bytes)
    if not len(dataset):
        raise DataError("there is nothing to predict: the data have no items", hint="give at least one sample")
    first = read_item(dataset, 0)
    if is_table_row(first, label=label):
        return open_rows(dataset, first, label=label if label in first else None, read=read_item).splits["train"].inputs
    item_form = infer_input_form(dataset, first, label=label)
    inputs = [item_form.split(read_item(dataset, index) if index else first)[0] for index in range(len(dataset))]
    if any(isinstance(each, Image.Image) for each in inputs):
        return inputs
    tensors = [as_tensor(each) for each in inputs]
    is_uniform = len({(each.shape, each.dtype) for each in tensors}) == 1
    return torch.stack(tensors) if is_uniform else tensors
