"""Reads the headers of images, and chooses the mode and the size that all images are converted to.

Shape legend: H height, W width.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from naiad.errors import DataError
from naiad.trainer.data.cleaning.lazy_images import map_in_threads
from naiad.trainer.data.findings import Action, Findings, make_findings
from naiad.trainer.data.pixels import (
    DECODE_ERRORS,
    Depth,
    ImageShape,
    OtherDepthError,
    check_size,
    ignore_pillow_warnings,
    image_depth,
    is_read_with_fewer_bits,
    is_rotated,
    native_mode,
    upright_size,
)
from naiad.trainer.data.sources.raw_data import PILImages
from naiad.trainer.machine import device

MAX_DEFAULT_SIDE = 224
"""Longest side of the images where the user sets no size."""


@dataclass(frozen=True)
class ImageProblem:
    """Reason why an image cannot be used."""

    kind: str
    """Slug of the finding: ``unreadable-image``, ``truncated-image``, ``oversized-image`` or ``other-depth``."""
    reason: str


@dataclass(frozen=True)
class ImageHeader:
    """Header of one image; ``problem`` alone is set where it cannot be used."""

    mode: str = ""
    """Pillow's mode of the file."""
    native_mode: str = ""
    """``L`` or ``RGB``, whichever loses less."""
    size: tuple[int, int] = (0, 0)
    """(H, W), upright."""
    is_rotated: bool = False
    depth: Depth | None = None
    """Kind of pixels of more than 8 bits."""
    has_transparency: bool = False
    """Whether the file has an alpha channel or a transparent colour, used or not."""
    has_fewer_bits: bool = False
    """Whether Pillow reads fewer bits than the file has."""
    has_frames: bool = False
    """Whether the file has several frames or pages."""
    problem: ImageProblem | None = None


def read_headers(images: PILImages) -> list[ImageHeader]:
    """Returns a header for each image, in their order; decodes nothing."""

    def read(index: int) -> ImageHeader:
        try:
            with images.open(index) as image:
                check_size(image)
                return ImageHeader(
                    image.mode,
                    native_mode(image),
                    upright_size(image),
                    is_rotated(image),
                    depth=image_depth(image),
                    has_transparency=image.has_transparency_data,
                    has_fewer_bits=is_read_with_fewer_bits(image),
                    has_frames=image.format != "MPO" and getattr(image, "is_animated", False),
                )
        except (DataError, *DECODE_ERRORS) as error:
            return ImageHeader(problem=classify_error(error))

    with ignore_pillow_warnings():
        return list(map_in_threads(images, read, range(len(images)), workers=num_readers()))


def choose_image_shape(
    headers: Sequence[ImageHeader], image_size: tuple[int, int] | None
) -> tuple[ImageShape, Findings]:
    """Returns the mode and size that most training images have, or with the size (H, W) that the user asks for.

    Raises DataError where no image can be read.
    """
    readable = [header for header in headers if header.problem is None]
    if not readable:
        reasons = Counter(header.problem.reason for header in headers if header.problem)
        reason = reasons.most_common(1)[0][0] if reasons else "no file"
        raise DataError(f"none of the {len(headers):,} training images can be read: {reason}")
    mode = Counter(header.native_mode for header in readable).most_common(1)[0][0]
    channels = 1 if mode == "L" else 3
    if image_size is not None:
        return ImageShape(channels, *image_size), Findings()
    height, width = _common_size([header.size for header in readable])
    if max(height, width) <= MAX_DEFAULT_SIDE:
        return ImageShape(channels, height, width), Findings()
    scale = MAX_DEFAULT_SIDE / max(height, width)
    shape = ImageShape(channels, max(1, round(height * scale)), max(1, round(width * scale)))
    message = (
        f"images of {height}×{width} pixels are used at {shape.height}×{shape.width}, since larger images train slowly; "
        f"image_size= sets another size"
    )
    finding = make_findings("large-images", "train", [f"{height}×{width}"], Action.REPORTED, message).items[0]
    return shape, Findings((replace(finding, count=len(readable)),))


def classify_error(error: Exception) -> ImageProblem:
    """Returns the problem of an image whose header or pixels could not be read."""
    text = str(error) or type(error).__name__
    if isinstance(error, OtherDepthError):
        return ImageProblem("other-depth", text)
    if isinstance(error, DataError) or "decompression bomb" in text:
        return ImageProblem("oversized-image", text)
    truncation_phrases = ("truncated", "broken data stream", "unexpected end", "not enough data")
    is_truncated = any(phrase in text.lower() for phrase in truncation_phrases)
    return ImageProblem("truncated-image" if is_truncated else "unreadable-image", text)


def num_readers() -> int:
    """Returns the number of threads that read every image once: two a core, as some wait for the disk."""
    return 2 * device.usable_cores()


def _common_size(sizes: list[tuple[int, int]]) -> tuple[int, int]:
    """Returns the most common (H, W), or the median where all differ."""
    size, count = Counter(sizes).most_common(1)[0]
    if count > 1 or len(sizes) == 1:
        return size
    height, width = np.median(np.array(sizes), axis=0)
    return round(float(height)), round(float(width))
