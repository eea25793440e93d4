"""Chooses, once for a data set, the scale of deep pixels and the background of transparent ones.

Shape legend: H height, W width.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from naiad.errors import DataError
from naiad.trainer.data.cleaning.image_headers import ImageHeader
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.pixels import DECODE_ERRORS, WHITE, Depth, ImageShape, ignore_pillow_warnings
from naiad.trainer.data.sources.raw_data import PILImages

_SAMPLES = 64
"""Transparent images that are looked at."""
_THUMBNAIL_SIDE = 64
_VISIBLE = 64
"""Difference of grey levels from which a shape is seen on its background."""
_BACKGROUNDS = {WHITE: "white", 0: "black", 128: "grey"}
"""Names of the grey levels, the preferred one first."""
_EXACT = 2**23
"""Whole numbers up to here are held by float32 with a margin."""


def choose_image_scale(
    shape: ImageShape, images: PILImages, headers: Sequence[ImageHeader]
) -> tuple[ImageShape, Findings]:
    """Returns ``shape`` with the depth that most training images have, or with the background that shows most of their shapes."""
    readable = [header for header in headers if header.problem is None]
    depths = Counter(header.depth for header in readable)
    depth = depths.most_common(1)[0][0]
    if depth is not None:
        return _scale_deep_images(shape, depth, images, headers)
    findings = _report_lost_bits(readable) + _report_frames(readable)
    transparent = [index for index, header in enumerate(headers) if header.has_transparency]
    if not transparent:
        return shape, findings
    background = _choose_background(images, transparent)
    if background is None:
        return shape, findings
    message = (
        f"images with transparency are laid over {_BACKGROUNDS[background]}, on which most of their shapes are seen: "
        "draw them over another background where that is wrong"
    )
    finding = Finding("transparent-image", "train", len(transparent), Action.REPAIRED, message)
    return replace(shape, background=background), findings + Findings((finding,))


def _scale_deep_images(
    shape: ImageShape, depth: Depth, images: PILImages, headers: Sequence[ImageHeader]
) -> tuple[ImageShape, Findings]:
    """Keeps the stored values; large whole numbers lose the lowest value of the first image, so that float32 holds them."""
    first = next(index for index, header in enumerate(headers) if header.problem is None and header.depth is depth)
    offset = 0.0
    if depth is Depth.INTEGER:
        with ignore_pillow_warnings():
            lowest = _lowest_value(images, first)
        offset = lowest if abs(lowest) > _EXACT else 0.0
    message = f"images of {depth} pixels with more than 8 bits are used as they are stored, on one scale"
    count = sum(header.depth is depth for header in headers)
    finding = Finding("deep-images", "train", count, Action.REPORTED, message)
    return replace(shape, channels=1, depth=depth, offset=offset), Findings((finding,))


def _lowest_value(images: PILImages, index: int) -> float:
    try:
        with images.open(index) as image:
            return float(np.asarray(image).min(initial=0) if image.mode != "I" else np.asarray(image).min())
    except (DataError, *DECODE_ERRORS):
        return 0.0


def _report_lost_bits(headers: Sequence[ImageHeader]) -> Findings:
    count = sum(header.has_fewer_bits for header in headers)
    if not count:
        return Findings()
    message = "colour images of 16 bits are read with 8, as Pillow does; give arrays or grey images to keep all bits"
    return Findings((Finding("fewer-bits", "train", count, Action.REPORTED, message),))


def _report_frames(headers: Sequence[ImageHeader]) -> Findings:
    count = sum(header.has_frames for header in headers)
    if not count:
        return Findings()
    message = "files with several frames or pages: the first one is used; write the others into files of their own"
    return Findings((Finding("several-frames", "train", count, Action.REPORTED, message),))


def _choose_background(images: PILImages, indices: Sequence[int]) -> int | None:
    """Returns the grey level that differs most from what is drawn on it; None where no pixel is transparent."""
    chosen = [indices[int(place)] for place in np.linspace(0, len(indices) - 1, min(_SAMPLES, len(indices))).round()]
    with ignore_pillow_warnings():
        levels = [level for index in dict.fromkeys(chosen) if (level := _drawn_level(images, index)) is not None]
    if not levels:
        return None
    seen = {background: sum(abs(level - background) >= _VISIBLE for level in levels) for background in _BACKGROUNDS}
    return max(_BACKGROUNDS, key=lambda background: seen[background])


def _drawn_level(images: PILImages, index: int) -> float | None:
    """Returns the mean grey level of what is not transparent; None where nothing is transparent, or all is."""
    try:
        with images.open(index) as image:
            small = image.convert("RGBA")
    except (DataError, *DECODE_ERRORS):
        return None
    small.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
    grey: npt.NDArray[np.float64] = np.asarray(small.convert("RGB").convert("L")).astype(np.float64)
    alpha = np.asarray(small.getchannel("A")).astype(np.float64)
    if alpha.min(initial=255) == 255 or alpha.sum() == 0:
        return None
    return float((grey * alpha).sum() / alpha.sum())
