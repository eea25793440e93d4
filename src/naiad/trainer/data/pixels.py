"""Converts Pillow images to arrays of one size and mode: for cleaning, for streams and for ``predict``.

Pixels of 8 bits become bytes. Pixels of more bits keep the values that are stored: one scale for a whole data set, never one an
image. Transparent pixels are laid over one background.
Shape legend: C channels, H height, W width.
"""

import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from naiad.errors import DataError

PIL_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
MAX_PIXELS = 89_478_485
"""Larger images are refused as decompression bombs. Pillow warns from the same size on."""
DECODE_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    AttributeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""Errors that Pillow's readers raise on damaged files."""

_DRAFT_MARGIN = 1.25
"""Least factor by which an image that was decoded smaller is still resized. It then differs from the image that was decoded whole
by 37 dB (PSNR), which is invisible.
"""
_GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F"})
_EXIF_ORIENTATION = 0x0112
WHITE = 255


class Depth(StrEnum):
    """Kind of the pixels of images that have more than 8 bits."""

    INTEGER = "integer"  # whole numbers of 12, 16 or 32 bits
    FLOAT = "float"


class OtherDepthError(DataError):
    """Raised for an image whose pixels have another depth, and so another scale, than the data set."""


@dataclass(frozen=True)
class ImageShape:
    """Mode, size and scale that all images of a dataset are converted to."""

    channels: int
    height: int
    width: int
    background: int | None = WHITE
    """Grey level behind transparent pixels. None is for models that were trained before there was one: their transparency is
    dropped, and each deep image is scaled by itself.
    """
    depth: Depth | None = None
    """Kind of deep pixels, of which there is one channel; None is 8 bits."""
    offset: float = 0.0
    """Subtracted from deep pixels, so that float32 holds large whole numbers."""

    @property
    def mode(self) -> str:
        """Pillow's name of the mode: ``L``, ``RGB`` or ``RGBA``."""
        return PIL_MODES[self.channels]

    @property
    def dtype(self) -> "np.dtype[Any]":
        return np.dtype(np.uint8 if self.depth is None else np.float32)

    @property
    def image_bytes(self) -> int:
        return self.channels * self.height * self.width * self.dtype.itemsize

    @property
    def chw(self) -> tuple[int, int, int]:
        return (self.channels, self.height, self.width)


def native_mode(image: Image.Image) -> str:
    """Returns ``L`` or ``RGB``, whichever loses less; transparency is not kept."""
    return "L" if image.mode in _GREY_MODES or image.mode.startswith("I;16") else "RGB"


def image_depth(image: Image.Image) -> Depth | None:
    """Returns the kind of pixels of more than 8 bits; None for 8 bits or fewer."""
    if image.mode == "F":
        return Depth.FLOAT
    return Depth.INTEGER if image.mode == "I" or image.mode.startswith("I;") else None


def is_read_with_fewer_bits(image: Image.Image) -> bool:
    """Whether Pillow reads 8 bits of a file's 16, as it does for colours. For an image that is not decoded yet."""
    tiles = (getattr(image, "tile", None) or ())[:1]
    return image_depth(image) is None and any(";16" in str(tile) for tile in tiles)


def is_rotated(image: Image.Image) -> bool:
    """Whether the image's EXIF orientation asks for a rotation or a mirroring."""
    return image.getexif().get(_EXIF_ORIENTATION, 1) in range(2, 9)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Returns (H, W) after the rotation that the image's EXIF orientation asks for."""
    width, height = image.size
    is_sideways = image.getexif().get(_EXIF_ORIENTATION, 1) in range(5, 9)
    return (width, height) if is_sideways else (height, width)


def check_size(image: Image.Image) -> None:
    """Raises DataError for an image of more than ``MAX_PIXELS``, OSError for PostScript; decodes nothing."""
    if image.format == "EPS":  # Pillow would start Ghostscript on it
        raise OSError("PostScript is a program, which is not run")
    if image.width * image.height > MAX_PIXELS:
        raise DataError(f"{image.width}×{image.height} pixels, more than the limit of {MAX_PIXELS:,}")


def to_array(image: Image.Image, shape: ImageShape) -> npt.NDArray[Any]:
    """Returns (C, H, W), upright, in the mode, size and scale of ``shape``: uint8, or float32 for deep pixels.

    Raises DECODE_ERRORS; DataError for an image that is too large; OtherDepthError.
    """
    check_size(image)
    if shape.depth is not None:
        return _to_deep_array(image, shape, shape.depth)
    _draft_jpeg(image, shape)
    plain = _convert_mode(ImageOps.exif_transpose(image), shape.mode, shape.background)
    if plain.size != (shape.width, shape.height):
        plain = plain.resize((shape.width, shape.height), Image.Resampling.BILINEAR)
    array_HWC = np.array(plain).reshape(shape.height, shape.width, shape.channels)
    return np.ascontiguousarray(array_HWC.transpose(2, 0, 1))


def read_image(raw: str | Path | Image.Image, shape: ImageShape) -> npt.NDArray[Any]:
    """Returns one image of a caller, a path or a PIL image, as ``to_array`` does. Raises DataError."""
    try:
        if isinstance(raw, Image.Image):
            return to_array(raw, shape)
        with Path(raw).open("rb") as file, Image.open(file) as image:  # Pillow leaves a file open that it cannot read
            return to_array(image, shape)
    except FileNotFoundError as error:
        raise DataError(f"{raw} does not exist", hint="give the path of an image") from error
    except OtherDepthError as error:
        raise DataError(f"{raw}: {error}", hint="give images as in training") from error
    except DataError as error:
        raise DataError(f"{raw} is too large: {error}") from error
    except DECODE_ERRORS as error:
        raise DataError(f"{raw} is no image that can be read: {error}") from error


def _draft_jpeg(image: Image.Image, shape: ImageShape) -> None:
    """Has a JPEG decoded at a half, a quarter or an eighth of its size, if that still exceeds ``shape`` by the margin."""
    if image.format == "JPEG" and image.mode in ("L", "RGB"):
        is_sideways = upright_size(image) != (image.height, image.width)
        height, width = (shape.width, shape.height) if is_sideways else (shape.height, shape.width)
        image.draft(image.mode, (math.ceil(width * _DRAFT_MARGIN), math.ceil(height * _DRAFT_MARGIN)))


def _to_deep_array(image: Image.Image, shape: ImageShape, depth: Depth) -> npt.NDArray[np.float32]:
    if image_depth(image) is not depth:
        found = "8 bits" if image_depth(image) is None else f"{image_depth(image)} pixels"
        raise OtherDepthError(f"an image of mode {image.mode} has {found}, the others have {depth} pixels of more bits")
    values = np.asarray(ImageOps.exif_transpose(image)).astype(np.float64) - shape.offset
    numbers = np.where(np.isfinite(values), values, np.nan).astype(np.float32)
    if numbers.shape != (shape.height, shape.width):
        resized = Image.fromarray(numbers).resize((shape.width, shape.height), Image.Resampling.BILINEAR)
        numbers = np.array(resized)
    return numbers[np.newaxis]


def _convert_mode(image: Image.Image, mode: str, background: int | None) -> Image.Image:
    if image_depth(image) is not None:
        image = _scale_each(image) if background is None else _to_8_bits(image)
    elif background is not None and mode != "RGBA" and image.has_transparency_data:
        image = lay_over(image, background)
    elif image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image if image.mode == mode else image.convert(mode)


def lay_over(image: Image.Image, background: int) -> Image.Image:
    """Returns an RGB image with the transparent pixels over a grey ``background``; opaque pixels stay as they are."""
    layer = image.convert("RGBA")
    ground = Image.new("RGB", layer.size, (background, background, background))
    ground.paste(layer, mask=layer.getchannel("A"))
    return ground


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Returns the upper 8 of 16 bits. Raises OtherDepthError for pixels whose range is not known."""
    if not image.mode.startswith("I;16"):
        raise OtherDepthError(f"an image of mode {image.mode} has no known scale, and the others have 8 bits")
    values = np.asarray(image).astype(np.float64) / 257
    return Image.fromarray(values.round().clip(0, 255).astype(np.uint8))


def _scale_each(image: Image.Image) -> Image.Image:
    """Scales 16-bit and float pixels by their range: 0…1, 0…255 or 0…65535. Pillow's own conversion would clip them."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    top = values.max(initial=0)
    if image.mode.startswith("I;16") or top > 255:
        values = values / 257
    elif image.mode == "F" and top <= 1:
        values = values * 255
    return Image.fromarray(values.round().clip(0, 255).astype(np.uint8))


@contextmanager
def ignore_pillow_warnings() -> Iterator[None]:
    """Silences Pillow's warnings about damaged images, where these are reported otherwise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
