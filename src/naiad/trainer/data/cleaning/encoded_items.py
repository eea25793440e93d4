"""Items of a Dataset that are encoded by the schema of a trained model each time they are taken.

Shape legend: B batch.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from naiad.trainer.data.dataset import InputSchema, Samples
from naiad.trainer.data.features.image import ImageSchema, pixel_factor, scale_pixels
from naiad.trainer.machine.seeding import RandomState

_SCALE_SAMPLES = 64


@dataclass(frozen=True)
class EncodedItems:
    """Samples as the schema encodes them."""

    items: Samples
    schema: InputSchema
    factor: float = 1.0
    """Factor of floats that are pixels of 0…1: one for all items."""

    @property
    def sample_shape(self) -> torch.Size:
        return torch.Size(self.schema.sample_shape)

    @property
    def dtype(self) -> torch.dtype:
        return self.schema.dtype

    @property
    def in_memory(self) -> bool:
        return False

    @property
    def is_deterministic(self) -> bool:
        return self.items.is_deterministic

    def __len__(self) -> int:
        return len(self.items)

    def take(self, indices: Tensor) -> Tensor:
        """Raises DataError where an item does not fit."""
        return _encode(self.items.take(indices), self.schema, self.factor)

    def select(self, indices: npt.NDArray[np.int64]) -> "EncodedItems":
        return replace(self, items=self.items.select(indices))


def encode_items(items: Samples, schema: InputSchema) -> Samples:
    """Returns the items as they are where they fit the schema already. Raises DataError where they do not fit."""
    sample = first_samples(items)
    factor = pixel_factor(sample, schema.top) if isinstance(schema, ImageSchema) else 1.0
    encoded = _encode(sample, schema, factor)
    is_unchanged = encoded.dtype is sample.dtype and torch.equal(encoded, sample)
    return items if is_unchanged else EncodedItems(items, schema, factor)


def _encode(values: Tensor, schema: InputSchema, factor: float) -> Tensor:
    return schema.encode(scale_pixels(values, factor) if isinstance(schema, ImageSchema) else values)


def first_samples(inputs: Tensor | Samples) -> Tensor:
    """Returns a tensor as it is, and 64 of other samples, at even distances; leaves the global generators as they were."""
    if isinstance(inputs, Tensor):
        return inputs
    count = len(inputs)
    indices = torch.linspace(0, count - 1, min(_SCALE_SAMPLES, count), dtype=torch.float64).round().long()
    random_state = RandomState.capture()
    sample = inputs.take(indices)
    random_state.restore()
    return sample
