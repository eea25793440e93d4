"""Encodes images of 12, 16 or 32 bits and of floats as float32 (N, 1, H, W): the values that are stored, on one scale.

Shape legend: N samples, H height, W width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from naiad.errors import DataError
from naiad.trainer.data.pixels import Depth, ImageShape, read_image
from naiad.trainer.data.scale import ValueRange, describe_deep_difference


@dataclass(frozen=True)
class DeepImageSchema:
    """Grey images of one size whose pixels have more than 8 bits."""

    height: int
    width: int
    depth: Depth
    offset: float = 0.0
    """Subtracted from the pixels."""
    value_range: ValueRange | None = None
    """Range of the training split after that; None in artifacts that were written before it was recorded."""

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        return (1, self.height, self.width)

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(1, self.height, self.width, depth=self.depth, offset=self.offset)

    def encode(self, raw: Any) -> Tensor:
        """Returns float32 (N, 1, H, W) for a path, a PIL image, an array of pixels as they are stored, or a list of them.

        Arrays are (H, W), (N, H, W), (N, 1, H, W) or (N, H, W, 1). Raises DataError, among it for images of 8 bits, and for
        numbers that are plainly on another scale than the training images.
        """
        images_N1HW = self._encode(raw)
        self.check_scale(images_N1HW)
        return images_N1HW

    def _encode(self, raw: Any) -> Tensor:
        if isinstance(raw, str | Path | Image.Image):
            return torch.from_numpy(read_image(raw, self.image_shape)).unsqueeze(0)
        if isinstance(raw, Sequence):
            if not len(raw):
                raise DataError("no image was given: the list is empty", hint="give at least one image")
            return torch.cat([self._encode(item) for item in raw])
        return self._encode_array(raw.detach().cpu().numpy() if isinstance(raw, Tensor) else np.asarray(raw))

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "deep_image",
            "height": self.height,
            "width": self.width,
            "depth": str(self.depth),
            "offset": self.offset,
            "value_range": None if self.value_range is None else self.value_range.to_json(),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "DeepImageSchema":
        depth, offset = Depth(values["depth"]), float(values["offset"])
        value_range = ValueRange.from_json(values.get("value_range"))
        return cls(int(values["height"]), int(values["width"]), depth, offset, value_range)

    def check_scale(self, images: Tensor) -> None:
        """Raises DataError for float32 images, as encoded, that are plainly on another scale than the training data."""
        difference = self.value_range and describe_deep_difference(images.numpy(), self.value_range)
        if difference:
            raise DataError(difference[0], hint=difference[1])

    def _encode_array(self, values: npt.NDArray[Any]) -> Tensor:
        self._check_values(values)
        images_NHW = self._to_planes(values)
        if images_NHW.shape[1:] != (self.height, self.width):
            pictures = [Image.fromarray(image.astype(np.float32)) for image in images_NHW]
            size = (self.width, self.height)
            images_NHW = np.stack([np.array(each.resize(size, Image.Resampling.BILINEAR)) for each in pictures])
        numbers = (images_NHW.astype(np.float64) - self.offset).astype(np.float32)
        return torch.from_numpy(np.where(np.isfinite(numbers), numbers, np.nan)).unsqueeze(1)

    def _check_values(self, values: npt.NDArray[Any]) -> None:
        if values.dtype.kind not in "iuf" or not values.size:
            raise DataError(
                f"{values.dtype} of shape {values.shape} is no image", hint="give arrays, PIL images or paths"
            )
        is_fraction = values.dtype.kind == "f" and bool((values != np.round(values))[np.isfinite(values)].any())
        if values.dtype == np.uint8 or (self.depth is Depth.INTEGER and is_fraction):
            given = "pixels of 8 bits" if values.dtype == np.uint8 else "numbers with fractions"
            raise DataError(
                f"the model was trained on images of {self.depth} pixels as they are stored, but these are {given}",
                hint="give the pixels as the files of the training data store them",
            )

    def _to_planes(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns (N, H, W)."""
        match values.ndim:
            case 2:
                return values[np.newaxis]
            case 3:
                return values
            case 4 if values.shape[1] == 1:
                return values[:, 0]
            case 4 if values.shape[3] == 1:
                return values[..., 0]
        raise DataError(
            f"images of shape {values.shape} do not fit {self.sample_shape}",
            hint="give (N, H, W), (N, 1, H, W) or (N, H, W, 1)",
        )
