"""Images as a program takes them: uint8 (N, C, H, W), normalised by channel inside the program.

Shape legend: N samples, B batch, C channels, H height, W width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from naiad.errors import DataError
from naiad.trainer.data.dataset import Samples
from naiad.trainer.data.features.sampling import samples_for_statistics
from naiad.trainer.data.pixels import MODES, UNREADABLE, Form, as_array

_CACHED = 128
"""Images at a time, so that their numbers stay near the processor."""
_CHUNK = 2048


@dataclass(frozen=True)
class ImageSchema:
    """Images of any mode and size are brought to this one, as cleaning did with the training images."""

    channels: int
    height: int
    width: int

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        return (self.channels, self.height, self.width)

    @property
    def dtype(self) -> torch.dtype:
        return torch.uint8

    def encode(self, raw: Any) -> Tensor:
        """uint8 (N, C, H, W) from paths, PIL images, arrays or tensors: one, a list of them, or a batch.

        Arrays are (H, W), (N, H, W), (H, W, C), (C, H, W), (N, H, W, C) or (N, C, H, W); whole numbers of 0…255, or
        floats of 0…1 or 0…255. Raises DataError.
        """
        if isinstance(raw, str | Path | Image.Image):
            return self._picture(raw).unsqueeze(0)
        if isinstance(raw, Sequence):
            if not len(raw):
                raise DataError("no image was given: the list is empty")
            if any(isinstance(item, str | Path | Image.Image) or np.ndim(item) >= 2 for item in raw):
                return torch.cat([self.encode(item) for item in raw])
        return self._batch(_pixels(raw))

    def to_json(self) -> dict[str, Any]:
        return {"kind": "image", "channels": self.channels, "height": self.height, "width": self.width}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ImageSchema":
        return cls(int(values["channels"]), int(values["height"]), int(values["width"]))

    @property
    def form(self) -> Form:
        return Form(*self.sample_shape)

    def _picture(self, raw: str | Path | Image.Image) -> Tensor:
        try:
            if isinstance(raw, Image.Image):
                return torch.from_numpy(as_array(raw, self.form))
            with Image.open(raw) as image:
                return torch.from_numpy(as_array(image, self.form))
        except FileNotFoundError as error:
            raise DataError(f"{raw} does not exist") from error
        except DataError as error:
            raise DataError(f"{raw} is too large: {error}") from error
        except UNREADABLE as error:
            raise DataError(f"{raw} is no image that can be read: {error}") from error

    def _batch(self, pixels: Tensor) -> Tensor:
        images_NCHW = self._laid_out(pixels)
        if tuple(images_NCHW.shape[1:]) == self.sample_shape:
            return images_NCHW.contiguous()
        arrays = [as_array(_image(image), self.form) for image in images_NCHW.numpy()]
        return torch.from_numpy(np.stack(arrays)) if arrays else torch.empty((0, *self.sample_shape), dtype=torch.uint8)

    def _laid_out(self, pixels: Tensor) -> Tensor:
        """(N, C, H, W) with any of the layouts that ``encode`` takes; the schema's own shape decides what is ambiguous."""
        match pixels.ndim:
            case 2:
                return pixels[None, None]
            case 3 if self._is_one(tuple(pixels.shape)):
                return self._channels_first(pixels[None])
            case 3:
                return pixels[:, None]
            case 4:
                return self._channels_first(pixels)
        raise _unfit(pixels, self.sample_shape)

    def _is_one(self, shape: tuple[int, ...]) -> bool:
        """Whether three axes are one image with channels rather than several grey ones."""
        if shape in (self.sample_shape, (self.height, self.width, self.channels)):
            return True
        return shape[1:] != (self.height, self.width) and (shape[0] in (3, 4) or shape[2] in (3, 4))

    def _channels_first(self, pixels_N: Tensor) -> Tensor:
        shape = tuple(pixels_N.shape)
        first, last = shape[1] in MODES, shape[3] in MODES
        if shape[1:] == self.sample_shape or (first and not (last and shape[3] == self.channels)):
            return pixels_N
        if last:
            return pixels_N.permute(0, 3, 1, 2)
        raise _unfit(pixels_N, self.sample_shape)


class ImageFeatures(nn.Module):
    """uint8 (B, C, H, W) in, float32 (B, C, H, W) out with mean 0 and deviation 1 by channel over the training split.

    mean, std: (C,), in the units of the pixels: 0…255. A channel that never changes is only shifted.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        safe = torch.where(std > 0, std, torch.ones_like(std)).double()
        self.register_buffer("scale", (1 / safe).float().view(-1, 1, 1))
        self.register_buffer("shift", (-mean.double() / safe).float().view(-1, 1, 1))

    @classmethod
    def plain(cls, channels: int) -> "ImageFeatures":
        """Pixels as 0…1."""
        return cls(torch.zeros(channels), torch.full((channels,), 255.0))

    @property
    def mean(self) -> Tensor:
        """(C,), of the pixels."""
        return (-self.shift / self.scale).flatten()

    @property
    def std(self) -> Tensor:
        """(C,); 1 for a channel that never changes."""
        return (1 / self.scale).flatten()

    def forward(self, raw: Tensor) -> Tensor:
        return torch.addcmul(self.shift, raw.to(torch.float32), self.scale)


def fit_image_features(samples: Samples, *, seed: int) -> ImageFeatures:
    """From all samples where they are in memory, else from a seeded choice of 10,000. Whole numbers are counted: any order
    gives the same.
    """
    counts = torch.zeros((samples.sample_shape[0], 256), dtype=torch.int64)
    chosen = samples_for_statistics(samples, seed=seed)
    for indices in torch.split(chosen, _CHUNK):
        for few in torch.split(samples.take(indices), _CACHED):
            for channel, pixels in enumerate(few.unbind(1)):
                counts[channel] += torch.bincount(pixels.flatten(), minlength=256)
    values, pixels_C = torch.arange(256), counts.sum(1)
    mean = (counts * values).sum(1).double() / pixels_C
    variance = ((counts * values.square()).sum(1).double() / pixels_C - mean.square()).clamp(min=0)
    return ImageFeatures(mean, variance.sqrt())


def _unfit(pixels: Tensor, sample_shape: tuple[int, ...]) -> DataError:
    return DataError(
        f"images of shape {tuple(pixels.shape)} do not fit {sample_shape}",
        hint="give (N, H, W), (N, H, W, C) or (N, C, H, W) with 1, 3 or 4 channels",
    )


def _pixels(raw: Any) -> Tensor:
    """uint8, any shape. Raises DataError when the values are no pixels."""
    try:
        values = raw.detach().cpu() if isinstance(raw, Tensor) else torch.from_numpy(_numbers(raw))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"a {type(raw).__name__} is no image: {error}", hint="give arrays, PIL images or paths"
        ) from error
    if values.dtype is torch.uint8 or not values.numel():
        return values.to(torch.uint8)
    if values.dtype is torch.bool:
        return values.to(torch.uint8) * 255
    if values.is_floating_point() and not bool(torch.isfinite(values).all()):
        raise DataError("the images hold NaN or infinite values")
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 255:
        raise DataError(
            f"the images hold values of {low:g} to {high:g}", hint="give raw pixels of 0 to 255, or floats of 0 to 1"
        )
    if values.is_floating_point() and high <= 1:
        values = values * 255
    return values.round().to(torch.uint8) if values.is_floating_point() else values.to(torch.uint8)


def _numbers(raw: Any) -> npt.NDArray[Any]:
    values = np.asarray(raw)
    if values.dtype.kind not in "buif":
        raise TypeError(f"it holds {values.dtype}")
    if values.dtype.kind == "u" and values.dtype.itemsize > 1:
        values = values.astype(np.int64)
    return np.array(values, dtype=values.dtype.newbyteorder("="), order="C")


def _image(array_CHW: npt.NDArray[np.uint8]) -> Image.Image:
    if array_CHW.shape[0] == 1:
        return Image.fromarray(array_CHW[0])
    return Image.fromarray(np.ascontiguousarray(array_CHW.transpose(1, 2, 0)))
