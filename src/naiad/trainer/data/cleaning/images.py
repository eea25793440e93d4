"""Decodes every image once, so that damaged ones are known before training.

Decoded images stay in memory if they fit. Else they go to a file. If the disk has no room either, they are decoded again,
in the same way, each time they are taken.
Shape legend: N samples, C channels, H height, W width.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from naiad.errors import DataError
from naiad.trainer.data.cleaning.cleaned_split import CleanedSplit
from naiad.trainer.data.cleaning.digests import DIGEST_DTYPE, digest_bytes
from naiad.trainer.data.cleaning.image_cache import open_image_cache
from naiad.trainer.data.cleaning.image_headers import ImageHeader, ImageProblem, classify_error, num_readers
from naiad.trainer.data.cleaning.lazy_images import LazyImages, map_in_threads, torch_dtype
from naiad.trainer.data.dataset import Samples, TensorSamples
from naiad.trainer.data.findings import Action, Findings, make_findings
from naiad.trainer.data.pixels import DECODE_ERRORS, ImageShape, ignore_pillow_warnings, to_array
from naiad.trainer.data.sources.raw_data import PILImages, RawSplit

_CHUNK = 512
_PROBLEM_MESSAGES = {
    "unreadable-image": "images that cannot be read",
    "truncated-image": "images whose file ends too early",
    "other-depth": "images whose pixels have another depth, and so another scale, than most",
    "oversized-image": "images with more pixels than the limit, as decompression bombs have",
}


def decode_images(
    raw: RawSplit, headers: Sequence[ImageHeader], shape: ImageShape, *, split: str, in_memory: bool
) -> tuple[CleanedSplit, Findings]:
    """Returns the images that can be decoded; the others are quarantined."""
    images: PILImages = raw.inputs
    problems = {index: header.problem for index, header in enumerate(headers) if header.problem}
    candidates = [index for index in range(len(images)) if index not in problems]
    images_NCHW = torch.empty((len(candidates) if in_memory else 0, *shape.chw), dtype=torch_dtype(shape))
    cache = open_image_cache(shape, len(candidates)) if images.is_deterministic and not in_memory else None
    decoded: list[int] = []
    digests: list[bytes] = []
    for index, array in _decode_in_chunks(images, candidates, shape):
        if isinstance(array, ImageProblem):
            problems[index] = array
            continue
        if in_memory:
            images_NCHW[len(decoded)] = torch.from_numpy(array)
        elif cache is not None:
            cache.add(array)
        decoded.append(index)
        digests.append(digest_bytes(array.data.cast("B")))
    indices = np.array(decoded, dtype=np.int64)
    samples: Samples | None = TensorSamples(images_NCHW[: len(decoded)]) if in_memory else None
    if cache is not None:
        samples = cache.samples()
    cleaned = CleanedSplit(
        samples if samples is not None else LazyImages(images.select(indices), shape),
        None if raw.targets is None else raw.targets[indices],
        [raw.names[index] for index in decoded],
        np.frombuffer(b"".join(digests), DIGEST_DTYPE) if images.is_deterministic else None,
        None if raw.weights is None else raw.weights[indices],
    )
    findings = _report_problems(raw.names, problems, split)
    return cleaned, findings + _report_repairs(cleaned.names, [headers[index] for index in decoded], shape, split)


def _decode_in_chunks(
    images: PILImages, indices: list[int], shape: ImageShape
) -> Iterator[tuple[int, npt.NDArray[Any] | ImageProblem]]:
    """Yields each index with its array or problem; decodes a chunk at a time, so that few arrays wait in memory."""

    def decode(index: int) -> npt.NDArray[Any] | ImageProblem:
        try:
            with images.open(index) as image:
                return to_array(image, shape)
        except (DataError, *DECODE_ERRORS) as error:
            return classify_error(error)

    with ignore_pillow_warnings():
        for start in range(0, len(indices), _CHUNK):
            chunk = indices[start : start + _CHUNK]
            yield from zip(chunk, list(map_in_threads(images, decode, chunk, workers=num_readers())), strict=True)


def _report_problems(names: Sequence[str], problems: dict[int, ImageProblem], split: str) -> Findings:
    findings = Findings()
    for kind, message in _PROBLEM_MESSAGES.items():
        indices = [index for index in sorted(problems) if problems[index].kind == kind]
        image_names, reasons = [names[index] for index in indices], [problems[index].reason for index in indices]
        findings += make_findings(kind, split, image_names, Action.QUARANTINED, message, reasons=reasons)
    return findings


def _report_repairs(names: Sequence[str], headers: list[ImageHeader], shape: ImageShape, split: str) -> Findings:
    """Reports the images, of those with ``names`` and ``headers``, that were changed to fit ``shape``."""
    size = (shape.height, shape.width)
    repairs = (
        ("exif-rotated", "images rotated as their EXIF data say", [header.is_rotated for header in headers]),
        (
            "wrong-mode",
            f"images converted to {shape.mode}",
            [shape.depth is None and header.mode != shape.mode for header in headers],
        ),
        ("wrong-size", f"images resized to {size[0]}×{size[1]} pixels", [header.size != size for header in headers]),
    )
    findings = Findings()
    for kind, message, is_repaired in repairs:
        image_names = [name for name, repaired in zip(names, is_repaired, strict=True) if repaired]
        findings += make_findings(kind, split, image_names, Action.REPAIRED, message)
    return findings
