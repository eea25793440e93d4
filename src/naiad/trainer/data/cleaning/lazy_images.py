"""Images that are decoded each time they are taken.

Shape legend: B batch, C channels, H height, W width.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from naiad.errors import DataError
from naiad.trainer.data.pixels import DECODE_ERRORS, ImageShape, to_array
from naiad.trainer.data.sources.raw_data import PILImages
from naiad.trainer.machine import device

_Result = TypeVar("_Result")
_MAX_RUN, _MIN_RUNS = 16, 4
"""Images that a thread is handed at once, at most, since small ones cost less than the handing over; and runs for each thread."""


@dataclass(frozen=True)
class LazyImages:
    """Samples (C, H, W) of one shape: uint8, or float32 for deep pixels."""

    images: PILImages
    shape: ImageShape
    workers: int = field(default_factory=device.usable_cores)
    """Threads that decode a batch, where the images are thread-safe."""

    @property
    def sample_shape(self) -> torch.Size:
        return torch.Size(self.shape.chw)

    @property
    def dtype(self) -> torch.dtype:
        return torch_dtype(self.shape)

    @property
    def in_memory(self) -> bool:
        return False

    @property
    def is_deterministic(self) -> bool:
        return self.images.is_deterministic

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: Tensor) -> Tensor:
        """Returns (B, C, H, W). Raises DataError where a file can no longer be read."""
        batch_BCHW = torch.empty((len(indices), *self.shape.chw), dtype=self.dtype)
        arrays = map_in_threads(self.images, self._decode, indices.tolist(), workers=self.workers)
        for image_CHW, array in zip(batch_BCHW, arrays, strict=True):
            image_CHW.copy_(torch.from_numpy(array))
        return batch_BCHW

    def select(self, indices: npt.NDArray[np.int64]) -> "LazyImages":
        return replace(self, images=self.images.select(indices))

    def _decode(self, index: int) -> npt.NDArray[Any]:
        try:
            with self.images.open(index) as image:
                return to_array(image, self.shape)
        except DECODE_ERRORS as error:
            raise DataError(f"image {index} could be read before and cannot be now: {error}") from error


def torch_dtype(shape: ImageShape) -> torch.dtype:
    """Returns the type of an image's values."""
    return torch.uint8 if shape.depth is None else torch.float32


def map_in_threads(
    images: PILImages, function: Callable[[int], _Result], indices: Sequence[int], *, workers: int
) -> Iterator[_Result]:
    """Calls ``function`` for each index, in threads where ``images`` allow it. Yields the results in the order of ``indices``."""
    if workers == 1 or not images.is_thread_safe or len(indices) == 1:
        yield from map(function, indices)
        return
    run_length = max(1, min(_MAX_RUN, len(indices) // (_MIN_RUNS * workers)))
    runs = [indices[start : start + run_length] for start in range(0, len(indices), run_length)]
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="naiad-decode") as pool:
        for results in pool.map(lambda run: [function(index) for index in run], runs):
            yield from results
