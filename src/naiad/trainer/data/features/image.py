"""Encodes images as uint8 (N, C, H, W), and normalises them by channel inside the exported program.

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
from naiad.trainer.data.features.sampling import statistics_indices
from naiad.trainer.data.layout import is_whole
from naiad.trainer.data.pixels import PIL_MODES, WHITE, ImageShape, read_image, to_array
from naiad.trainer.data.scale import MIN_RATIO, SCALE_ONCE, are_scaled_twice

_IMAGES_PER_COUNT = 128
"""Images whose pixels are counted at once, so that they stay in the processor's cache."""
_IMAGES_PER_READ = 2048


@dataclass(frozen=True)
class ImageSchema:
    """Images of one mode and size. Others are converted to it, as cleaning converts the training images."""

    channels: int
    height: int
    width: int
    background: int | None = WHITE
    """Grey level behind transparent pixels; None in artifacts that were written before there was one, see ``ImageShape``."""
    top: int | None = None
    """Largest pixel of training arrays whose pixels are not of 0…255, as those of binary images; None for all others."""

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        return (self.channels, self.height, self.width)

    @property
    def dtype(self) -> torch.dtype:
        return torch.uint8

    def encode(self, raw: Any) -> Tensor:
        """Returns uint8 (N, C, H, W) for a path, a PIL image, an array or a tensor, for a list of them, or for a batch.

        Arrays are (H, W), (N, H, W), (H, W, C), (C, H, W), (N, H, W, C) or (N, C, H, W), with whole numbers of 0…255, or
        floats of 0…1 or 0…255: one scale for all that is given at once. Raises DataError, among it for pixels on another scale
        than binary ones that the model was trained on.
        """
        images_NCHW = self._encode(raw)
        self.check_scale(images_NCHW)
        if images_NCHW.numel() and int(images_NCHW.max()) <= 1:
            _check_scaled_once(raw)
        return images_NCHW

    def check_scale(self, images: Tensor) -> None:
        """Raises DataError for uint8 images that are plainly on another scale than the training data."""
        largest = int(images.max()) if self.top is not None and images.numel() else 0
        if self.top is not None and largest >= MIN_RATIO * max(self.top, 1):
            raise DataError(
                f"the model was trained on pixels of 0 to {self.top}, but these reach {largest}",
                hint="give pixels as in training, or train on pixels of 0 to 255",
            )

    def _encode(self, raw: Any) -> Tensor:
        if isinstance(raw, str | Path | Image.Image):
            return torch.from_numpy(read_image(raw, self.image_shape)).unsqueeze(0)
        if isinstance(raw, Sequence):
            if not len(raw):
                raise DataError("no image was given: the list is empty", hint="give at least one image")
            if any(isinstance(item, str | Path | Image.Image) or np.ndim(item) >= 2 for item in raw):
                return torch.cat([self._encode(item) for item in _to_one_scale(raw)])
        return self._encode_batch(_to_pixels(raw, self.top))

    def to_json(self) -> dict[str, Any]:
        size = {"channels": self.channels, "height": self.height, "width": self.width}
        scale = {} if self.top is None else {"top": self.top}
        return {"kind": "image", **size, "background": self.background, **scale}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ImageSchema":
        background = values.get("background")
        size = (int(values["channels"]), int(values["height"]), int(values["width"]))
        top = values.get("top")
        return cls(*size, None if background is None else int(background), None if top is None else int(top))

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(*self.sample_shape, background=self.background)

    def _encode_batch(self, pixels: Tensor) -> Tensor:
        images_NCHW = self._to_channels_first(pixels)
        if tuple(images_NCHW.shape[1:]) == self.sample_shape:
            return images_NCHW.contiguous()
        arrays = [to_array(_to_pil(image), self.image_shape) for image in images_NCHW.numpy()]
        return torch.from_numpy(np.stack(arrays)) if arrays else torch.empty((0, *self.sample_shape), dtype=torch.uint8)

    def _to_channels_first(self, pixels: Tensor) -> Tensor:
        """Returns (N, C, H, W) for any layout that ``encode`` takes; an ambiguous one is read as the schema's shape says."""
        match pixels.ndim:
            case 2:
                return pixels[None, None]
            case 3 if self._is_single_image(tuple(pixels.shape)):
                return self._move_channels(pixels[None])
            case 3:
                return pixels[:, None]
            case 4:
                return self._move_channels(pixels)
        raise _shape_error(pixels, self.sample_shape)

    def _is_single_image(self, shape: tuple[int, ...]) -> bool:
        """Whether three axes are one image with channels, and not several grey ones. Raises DataError where both may be meant."""
        if shape in (self.sample_shape, (self.height, self.width, self.channels)):
            return True
        if shape[1:] == (self.height, self.width):
            return False
        if self.channels == 1 and shape[0] in (3, 4) and shape[2] not in (3, 4):
            raise DataError(
                f"an array of shape {shape} may be {shape[0]} grey images, or one image of {shape[0]} channels",
                hint="give (N, 1, H, W) for several images, (1, C, H, W) for one",
            )
        return shape[0] in (3, 4) or shape[2] in (3, 4)

    def _move_channels(self, pixels: Tensor) -> Tensor:
        """Returns (N, C, H, W) for (N, H, W, C) or (N, C, H, W)."""
        shape = tuple(pixels.shape)
        may_be_first, may_be_last = shape[1] in PIL_MODES, shape[3] in PIL_MODES
        if shape[1:] == self.sample_shape or (may_be_first and not (may_be_last and shape[3] == self.channels)):
            return pixels
        if may_be_last:
            return pixels.permute(0, 3, 1, 2)
        raise _shape_error(pixels, self.sample_shape)


class ImageFeatures(nn.Module):
    """uint8 (B, C, H, W) in, float32 (B, C, H, W) out, with mean 0 and deviation 1 by channel over the training split."""

    scale: Tensor
    shift: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        """mean, std: (C,), in pixels of 0…255. A channel whose deviation is 0 is only shifted."""
        super().__init__()
        safe = torch.where(std > 0, std, torch.ones_like(std)).double()
        self.register_buffer("scale", (1 / safe).float().view(-1, 1, 1))
        self.register_buffer("shift", (-mean.double() / safe).float().view(-1, 1, 1))

    @classmethod
    def unit_range(cls, channels: int) -> "ImageFeatures":
        """Returns features that scale pixels to 0…1."""
        return cls(torch.zeros(channels), torch.full((channels,), 255.0))

    @property
    def mean(self) -> Tensor:
        """(C,), in pixels of 0…255."""
        return (-self.shift / self.scale).flatten()

    @property
    def std(self) -> Tensor:
        """(C,), in pixels of 0…255; 1 for a channel that is constant in the training split."""
        return (1 / self.scale).flatten()

    def forward(self, raw: Tensor) -> Tensor:
        return torch.addcmul(self.shift, raw.to(torch.float32), self.scale)


def fit_image_features(samples: Samples, *, seed: int) -> ImageFeatures:
    """Computes the statistics exactly, by counting pixel values over the samples of ``statistics_indices``."""
    counts = torch.zeros((samples.sample_shape[0], 256), dtype=torch.int64)
    for indices in torch.split(statistics_indices(samples, seed=seed), _IMAGES_PER_READ):
        for images in torch.split(samples.take(indices), _IMAGES_PER_COUNT):
            for channel, pixels in enumerate(images.unbind(1)):
                counts[channel] += torch.bincount(pixels.flatten(), minlength=256)
    values, pixels_C = torch.arange(256), counts.sum(1)
    mean = (counts * values).sum(1).double() / pixels_C
    variance = ((counts * values.square()).sum(1).double() / pixels_C - mean.square()).clamp(min=0)
    return ImageFeatures(mean, variance.sqrt())


def _shape_error(pixels: Tensor, sample_shape: tuple[int, ...]) -> DataError:
    return DataError(
        f"images of shape {tuple(pixels.shape)} do not fit {sample_shape}",
        hint="give (N, H, W), (N, H, W, C) or (N, C, H, W) with 1, 3 or 4 channels",
    )


def _to_pixels(raw: Any, top: int | None) -> Tensor:
    """Returns uint8 of the same shape. Raises DataError where the values are no pixels."""
    try:
        values = raw.detach().cpu() if isinstance(raw, Tensor) else torch.from_numpy(_to_numbers(raw))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"a {type(raw).__name__} is no image: {error}", hint="give arrays, PIL images or paths"
        ) from error
    if values.dtype is torch.bool:
        return values.to(torch.uint8) * (255 if top is None else 1)
    return scale_pixels(values, pixel_factor(values, top))


def _check_scaled_once(raw: Any) -> None:
    """Raises DataError where all floats together, of one array or a list of them, are pixels that were scaled twice."""
    items = raw if isinstance(raw, Sequence) and not isinstance(raw, str) else [raw]
    arrays = [_to_array(item) for item in items if not isinstance(item, str | Path | Image.Image)]
    floats = [array.ravel() for array in arrays if array.dtype.kind == "f"]
    values = np.concatenate(floats) if floats else np.empty(0)
    if values.size and are_scaled_twice(values, float(values.max())):
        raise DataError("the images hold values far below 1, as pixels do that were scaled twice", hint=SCALE_ONCE)


def scale_pixels(values: Tensor, factor: float) -> Tensor:
    """Returns uint8 of the same shape: values of 0…255, or floats of 0…1 where the factor is 255. Raises DataError for others."""
    if values.dtype is torch.uint8 or not values.numel():
        return values.to(torch.uint8)
    if values.is_floating_point() and not bool(torch.isfinite(values).all()):
        raise DataError(
            "the images hold NaN or infinite values", hint="give raw pixels of 0 to 255, or floats of 0 to 1"
        )
    low, high = float(values.min()), float(values.max())
    if low < 0 or high * factor > 255:
        raise DataError(
            f"the images hold values of {low:g} to {high:g}", hint="give raw pixels of 0 to 255, or floats of 0 to 1"
        )
    if factor != 1:
        values = values * factor
    return values.round().to(torch.uint8) if values.is_floating_point() else values.to(torch.uint8)


def pixel_factor(values: Tensor, top: int | None = None) -> float:
    """Returns 255 for floats of 0…1, and 1 for pixels, as whole numbers are for a model of pixels of 0…``top``."""
    if not values.is_floating_point() or not values.numel() or float(values.max()) > 1:
        return 1.0
    return 1.0 if top is not None and is_whole(values) else 255.0


def _to_one_scale(images: Sequence[Any]) -> list[Any]:
    """Returns a list of images where floats of 0…1 in the midst of floats up to 255 are pixels as these are."""
    tops = [_float_top(image) for image in images]
    if not any(top is not None and top > 1 for top in tops):
        return list(images)
    return [
        torch.as_tensor(image).round().to(torch.uint8) if top is not None and top <= 1 else image
        for image, top in zip(images, tops, strict=True)
    ]


def _float_top(image: Any) -> float | None:
    """Returns the largest value of an array of floats of 0 or more; None for anything else, which is checked later."""
    if isinstance(image, str | Path | Image.Image):
        return None
    values = _to_array(image)
    if values.dtype.kind != "f" or not values.size or not values.min() >= 0:
        return None
    return float(values.max())


def _to_array(values: Any) -> npt.NDArray[Any]:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _to_numbers(raw: Any) -> npt.NDArray[Any]:
    values = np.asarray(raw)
    if values.dtype.kind not in "buif":
        raise TypeError(f"it holds {values.dtype}")
    if values.dtype.kind == "u" and values.dtype.itemsize > 1:
        values = values.astype(np.int64)
    return np.array(values, dtype=values.dtype.newbyteorder("="), order="C")


def _to_pil(array_CHW: npt.NDArray[np.uint8]) -> Image.Image:
    if array_CHW.shape[0] == 1:
        return Image.fromarray(array_CHW[0])
    return Image.fromarray(np.ascontiguousarray(array_CHW.transpose(1, 2, 0)))
