"""Decoded images in a file: what does not fit in memory is decoded once, by cleaning, and read back from then on.

The file has no name, so it is gone when the process is, however it ends. Reading leaves the process's own memory flat.
Shape legend: N samples, B batch, C channels, H height, W width.
"""

import os
import shutil
import tempfile
import weakref
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from naiad.errors import DataError

DISK_PART = 0.25
"""Of the free disk, that decoded images may take."""


class Scratch:
    """A file without a name, by its descriptor; closed when nobody holds it any more."""

    def __init__(self, folder: Path) -> None:
        with tempfile.TemporaryFile(prefix="naiad-decoded-", dir=folder) as file:
            self.number = os.dup(file.fileno())
        weakref.finalize(self, os.close, self.number)


@dataclass(frozen=True)
class DecodedSamples:
    """uint8 samples (C, H, W), one after the other in a file."""

    file: Scratch
    sample_shape: torch.Size
    rows: npt.NDArray[np.int64]
    """(N,) where each sample stands in the file."""

    @property
    def dtype(self) -> torch.dtype:
        return torch.uint8

    @property
    def in_memory(self) -> bool:
        return False

    @property
    def fixed(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: Tensor) -> Tensor:
        """Raises DataError when the disk fails."""
        batch = torch.empty((len(indices), *self.sample_shape), dtype=torch.uint8)
        room, size = batch.flatten().numpy().data, self.sample_shape.numel()
        for place, row in enumerate(self.rows[indices.numpy()].tolist()):
            if os.preadv(self.file.number, [room[place * size : (place + 1) * size]], row * size) != size:
                raise DataError("a decoded image cannot be read back", hint="see whether the disk is damaged")
        return batch

    def select(self, indices: npt.NDArray[np.int64]) -> "DecodedSamples":
        return replace(self, rows=self.rows[indices])


class DecodedFile:
    """Takes images while they are decoded. A disk that is full loses nothing: they are decoded again when they are taken."""

    def __init__(self, file: Scratch, shape: tuple[int, int, int]) -> None:
        self._file, self._shape = file, torch.Size(shape)
        self._count = 0
        self._whole = True

    def add(self, array_CHW: npt.NDArray[np.uint8]) -> None:
        if not self._whole:
            return
        content = np.ascontiguousarray(array_CHW).tobytes()
        try:
            self._whole = os.write(self._file.number, content) == len(content)
        except OSError:
            self._whole = False
        self._count += 1

    def samples(self) -> DecodedSamples | None:
        """None where not all could be written."""
        return DecodedSamples(self._file, self._shape, np.arange(self._count)) if self._whole else None


def decoded_file(shape: tuple[int, int, int], count: int) -> DecodedFile | None:
    """None where the disk has no room for so many, or there is no folder to write to."""
    try:
        folder = scratch_folder()
        free = shutil.disk_usage(folder).free
        return DecodedFile(Scratch(folder), shape) if int(np.prod(shape)) * count <= DISK_PART * free else None
    except OSError:
        return None


def scratch_folder() -> Path:
    """``$TMPDIR``, else ``/var/tmp``, which is on a disk where ``/tmp`` may be memory, else what Python takes."""
    named = os.environ.get("TMPDIR")
    folders = [Path(folder) for folder in (named, "/var/tmp") if folder]  # noqa: S108  # reason: the file is opened without a name
    return next((folder for folder in folders if os.access(folder, os.W_OK)), Path(tempfile.gettempdir()))
