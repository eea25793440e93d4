"""From a Pillow image to a tensor of one size and mode; used alike by cleaning, by streams and by ``predict``.

Shape legend: C channels, H height, W width.
"""

import math
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from naiad.errors import DataError

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
MAX_PIXELS = 89_478_485
"""Larger images are taken for decompression bombs; Pillow warns from the same size on."""
UNREADABLE = (
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
"""What Pillow's readers raise on damaged files."""

_MARGIN = 1.25
"""What is decoded smaller and then resized by this much or more differs from the whole by 37 dB (PSNR), which no eye sees."""
_GREY = frozenset({"1", "L", "LA", "La", "I", "F"})
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Form:
    """What every image of a dataset is brought to."""

    channels: int
    height: int
    width: int

    @property
    def mode(self) -> str:
        return MODES[self.channels]

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.channels, self.height, self.width)


def native_mode(image: Image.Image) -> str:
    """``L`` or ``RGB``: the mode that loses the least; transparency is not kept."""
    return "L" if image.mode in _GREY or image.mode.startswith("I;16") else "RGB"


def is_rotated(image: Image.Image) -> bool:
    """Whether its EXIF data say that it is to be turned or mirrored."""
    return image.getexif().get(_ORIENTATION, 1) in range(2, 9)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """(H, W) after the rotation that its EXIF data ask for."""
    width, height = image.size
    turned = image.getexif().get(_ORIENTATION, 1) in range(5, 9)
    return (width, height) if turned else (height, width)


def check_size(image: Image.Image) -> None:
    """Raises DataError before anything is decoded."""
    if image.width * image.height > MAX_PIXELS:
        raise DataError(f"{image.width}×{image.height} pixels, more than the limit of {MAX_PIXELS:,}")


def as_array(image: Image.Image, form: Form) -> npt.NDArray[np.uint8]:
    """uint8 (C, H, W): upright, in the form's mode and size. Raises what ``UNREADABLE`` lists, and DataError when too large."""
    check_size(image)
    _spare(image, form)
    plain = _in_mode(ImageOps.exif_transpose(image), form.mode)
    if plain.size != (form.width, form.height):
        plain = plain.resize((form.width, form.height), Image.Resampling.BILINEAR)
    array_HWC = np.array(plain).reshape(form.height, form.width, form.channels)
    return np.ascontiguousarray(array_HWC.transpose(2, 0, 1))


def _spare(image: Image.Image, form: Form) -> None:
    """Has a JPEG decoded at a half, a quarter or an eighth of its size where the form is smaller by ``_MARGIN`` still."""
    if image.format == "JPEG" and image.mode in ("L", "RGB"):
        turned = upright_size(image) != (image.height, image.width)
        height, width = (form.width, form.height) if turned else (form.height, form.width)
        image.draft(image.mode, (math.ceil(width * _MARGIN), math.ceil(height * _MARGIN)))


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    if image.mode == mode:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bits(image)
    elif image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image if image.mode == mode else image.convert(mode)


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit and float pixels by their range: 0…1, 0…255 or 0…65535 (Pillow's own conversion would clip)."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    top = values.max(initial=0)
    if image.mode.startswith("I;16") or top > 255:
        values = values / 257
    elif image.mode == "F" and top <= 1:
        values = values * 255
    return Image.fromarray(values.round().clip(0, 255).astype(np.uint8))
