"""Converts Pillow images to arrays of one size and mode: for cleaning, for streams and for ``predict``.

Shape legend: C channels, H height, W width.
"""

import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

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


@dataclass(frozen=True)
class ImageShape:
    """Mode and size that all images of a dataset are converted to."""

    channels: int
    height: int
    width: int

    @property
    def mode(self) -> str:
        """Pillow's name of the mode: ``L``, ``RGB`` or ``RGBA``."""
        return PIL_MODES[self.channels]

    @property
    def chw(self) -> tuple[int, int, int]:
        return (self.channels, self.height, self.width)


def native_mode(image: Image.Image) -> str:
    """Returns ``L`` or ``RGB``, whichever loses less; transparency is not kept."""
    return "L" if image.mode in _GREY_MODES or image.mode.startswith("I;16") else "RGB"


def is_rotated(image: Image.Image) -> bool:
    """Whether the image's EXIF orientation asks for a rotation or a mirroring."""
    return image.getexif().get(_EXIF_ORIENTATION, 1) in range(2, 9)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Returns (H, W) after the rotation that the image's EXIF orientation asks for."""
    width, height = image.size
    is_sideways = image.getexif().get(_EXIF_ORIENTATION, 1) in range(5, 9)
    return (width, height) if is_sideways else (height, width)


def check_size(image: Image.Image) -> None:
    """Raises DataError for an image of more than ``MAX_PIXELS``; decodes nothing."""
    if image.width * image.height > MAX_PIXELS:
        raise DataError(f"{image.width}×{image.height} pixels, more than the limit of {MAX_PIXELS:,}")


def to_array(image: Image.Image, shape: ImageShape) -> npt.NDArray[np.uint8]:
    """Returns uint8 (C, H, W): upright, in the mode and size of ``shape``. Raises DECODE_ERRORS; DataError if it is too large."""
    check_size(image)
    _draft_jpeg(image, shape)
    plain = _convert_mode(ImageOps.exif_transpose(image), shape.mode)
    if plain.size != (shape.width, shape.height):
        plain = plain.resize((shape.width, shape.height), Image.Resampling.BILINEAR)
    array_HWC = np.array(plain).reshape(shape.height, shape.width, shape.channels)
    return np.ascontiguousarray(array_HWC.transpose(2, 0, 1))


def _draft_jpeg(image: Image.Image, shape: ImageShape) -> None:
    """Has a JPEG decoded at a half, a quarter or an eighth of its size, if that still exceeds ``shape`` by the margin."""
    if image.format == "JPEG" and image.mode in ("L", "RGB"):
        is_sideways = upright_size(image) != (image.height, image.width)
        height, width = (shape.width, shape.height) if is_sideways else (shape.height, shape.width)
        image.draft(image.mode, (math.ceil(width * _DRAFT_MARGIN), math.ceil(height * _DRAFT_MARGIN)))


def _convert_mode(image: Image.Image, mode: str) -> Image.Image:
    if image.mode == mode:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        image = _to_8_bits(image)
    elif image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image if image.mode == mode else image.convert(mode)


def _to_8_bits(image: Image.Image) -> Image.Image:
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
