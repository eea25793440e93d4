"""Decoded images in a file, for images that do not fit in memory: cleaning decodes them once, training reads them back.

The file has no name, so it vanishes with the process, however that ends. Reading it does not use the process's own memory.
Shape legend: N samples, B batch, C channels, H height, W width.
"""

import os
import shutil
import tempfile
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from naiad.errors import DataError
from naiad.trainer.data.cleaning.lazy_images import torch_dtype
from naiad.trainer.data.pixels import ImageShape

MAX_DISK_FRACTION = 0.25
"""Part of the free disk that decoded images may fill."""


class UnnamedFile:
    """File without a name; closed when nothing refers to it any more."""

    def __init__(self, folder: Path) -> None:
        with tempfile.TemporaryFile(prefix="naiad-decoded-", dir=folder) as file:
            self.descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self.descriptor)


@dataclass(frozen=True)
class CachedImages:
    """Samples (C, H, W), one after the other in a file."""

    file: UnnamedFile
    sample_shape: torch.Size
    rows: npt.NDArray[np.int64]
    """(N,) position of each sample in the file, in samples."""
    dtype: torch.dtype = torch.uint8

    @property
    def in_memory(self) -> bool:
        return False

    @property
    def is_deterministic(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: Tensor) -> Tensor:
        """Returns (B, C, H, W). Raises DataError where the disk fails."""
        batch_BCHW = torch.empty((len(indices), *self.sample_shape), dtype=self.dtype)
        buffer = batch_BCHW.flatten().numpy().data.cast("B")
        size = self.sample_shape.numel() * self.dtype.itemsize
        for position, row in enumerate(self.rows[indices.numpy()].tolist()):
            target = buffer[position * size : (position + 1) * size]
            if os.preadv(self.file.descriptor, [target], row * size) != size:
                raise DataError("a decoded image cannot be read back", hint="see whether the disk is damaged")
        return batch_BCHW

    def select(self, indices: npt.NDArray[np.int64]) -> "CachedImages":
        return replace(self, rows=self.rows[indices])


class ImageCacheWriter:
    """Writes images while they are decoded. Nothing is lost if the disk is full: they can be decoded again."""

    def __init__(self, file: UnnamedFile, shape: ImageShape) -> None:
        self._file, self._shape = file, shape
        self._count = 0
        self._is_complete = True

    def add(self, image_CHW: npt.NDArray[Any]) -> None:
        if not self._is_complete:
            return
        content = np.ascontiguousarray(image_CHW).tobytes()
        try:
            self._is_complete = os.write(self._file.descriptor, content) == len(content)
        except OSError:
            self._is_complete = False
        self._count += 1

    def samples(self) -> CachedImages | None:
        """Returns None where some image could not be written."""
        if not self._is_complete:
            return None
        shape = self._shape
        return CachedImages(self._file, torch.Size(shape.chw), np.arange(self._count), torch_dtype(shape))


def open_image_cache(shape: ImageShape, count: int) -> ImageCacheWriter | None:
    """Returns None where the disk has no room for ``count`` images, or no folder can be written to."""
    try:
        folder = cache_folder()
        free_bytes = shutil.disk_usage(folder).free
        fits = shape.image_bytes * count <= MAX_DISK_FRACTION * free_bytes
        return ImageCacheWriter(UnnamedFile(folder), shape) if fits else None
    except OSError:
        return None


def cache_folder() -> Path:
    """Returns ``$TMPDIR``, else ``/var/tmp``, which is on a disk where ``/tmp`` may be memory, else Python's choice."""
    folders = [Path(folder) for folder in (os.environ.get("TMPDIR"), "/var/tmp") if folder]  # noqa: S108  # reason: the file is opened without a name
    return next((folder for folder in folders if os.access(folder, os.W_OK)), Path(tempfile.gettempdir()))
