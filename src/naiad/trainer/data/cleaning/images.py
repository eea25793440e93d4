"""Images that are still to be decoded: which can be read, to what form all are brought, and the decoding itself.

Every image is decoded once here, so that what is broken is known before training. Those that do not fit in memory go to a file;
where the disk has no room for them either they are decoded again, in the same way, when they are taken.
Shape legend: N samples, C channels, H height, W width.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from naiad.errors import DataError
from naiad.trainer.data.cleaning.checked import DIGEST, CheckedSplit, digest, report
from naiad.trainer.data.cleaning.decoded_images import decoded_file
from naiad.trainer.data.dataset import Samples, TensorSamples
from naiad.trainer.data.findings import Action, Findings
from naiad.trainer.data.pixels import UNREADABLE, Form, as_array, check_size, is_rotated, native_mode, upright_size
from naiad.trainer.data.sources.raw_data import Pictures, RawSplit
from naiad.trainer.machine import device

LONG_SIDE = 224
"""The larger side of the images when the user sets no size."""
_CHUNK = 512
_LEFT_OUT = {
    "unreadable-image": "images that cannot be read",
    "truncated-image": "images whose file ends too early",
    "oversized-image": "images with more pixels than the limit, as decompression bombs have",
}


@dataclass(frozen=True)
class Probe:
    """What an image's header says; ``trouble`` is (kind, reason) when it cannot be used."""

    mode: str = ""
    native: str = ""
    size: tuple[int, int] = (0, 0)
    """(H, W), upright."""
    rotated: bool = False
    trouble: tuple[str, str] | None = None


@dataclass(frozen=True)
class PictureSamples:
    """Images that are decoded when they are taken."""

    pictures: Pictures
    form: Form
    workers: int = field(default_factory=device.usable_cores)
    """Threads that decode a batch, where the pictures may be opened by several."""

    @property
    def sample_shape(self) -> torch.Size:
        return torch.Size(self.form.shape)

    @property
    def dtype(self) -> torch.dtype:
        return torch.uint8

    @property
    def in_memory(self) -> bool:
        return False

    @property
    def fixed(self) -> bool:
        return self.pictures.fixed

    def __len__(self) -> int:
        return len(self.pictures)

    def take(self, indices: Tensor) -> Tensor:
        """Raises DataError when a file can no longer be read."""
        batch = torch.empty((len(indices), *self.form.shape), dtype=torch.uint8)
        decoded = _in_threads(self.pictures, self._decode, indices.tolist(), workers=self.workers)
        for row, array in zip(batch, decoded, strict=True):
            row.copy_(torch.from_numpy(array))
        return batch

    def select(self, indices: npt.NDArray[np.int64]) -> "PictureSamples":
        return replace(self, pictures=self.pictures.select(indices))

    def _decode(self, index: int) -> npt.NDArray[np.uint8]:
        try:
            with self.pictures.open(index) as image:
                return as_array(image, self.form)
        except UNREADABLE as error:
            raise DataError(f"image {index} could be read before and cannot be now: {error}") from error


def probe_pictures(pictures: Pictures) -> list[Probe]:
    """In the order of the pictures; reads headers only."""

    def probe(index: int) -> Probe:
        try:
            with pictures.open(index) as image:
                check_size(image)
                return Probe(image.mode, native_mode(image), upright_size(image), is_rotated(image))
        except (DataError, *UNREADABLE) as error:
            return Probe(trouble=_trouble(error))

    with _quiet():
        return list(_in_threads(pictures, probe, range(len(pictures)), workers=_readers()))


def common_form(probes: Sequence[Probe], image_size: tuple[int, int] | None) -> tuple[Form, Findings]:
    """The form that most training images have, or that the user asks for. Raises DataError when none can be read."""
    readable = [probe for probe in probes if probe.trouble is None]
    if not readable:
        reasons = Counter(probe.trouble[1] for probe in probes if probe.trouble)
        raise DataError(
            f"none of the {len(probes):,} training images can be read: {reasons.most_common(1)[0][0] if reasons else 'no file'}"
        )
    mode = Counter(probe.native for probe in readable).most_common(1)[0][0]
    channels = 1 if mode == "L" else 3
    if image_size is not None:
        return Form(channels, *image_size), Findings()
    height, width = _common_size([probe.size for probe in readable])
    if max(height, width) <= LONG_SIDE:
        return Form(channels, height, width), Findings()
    shrink = LONG_SIDE / max(height, width)
    form = Form(channels, max(1, round(height * shrink)), max(1, round(width * shrink)))
    message = (
        f"images of {height}×{width} pixels are taken at {form.height}×{form.width}: larger ones train slowly; "
        f"image_size= sets another size"
    )
    names = [f"{height}×{width}"]
    finding = report("large-images", "train", names, Action.TOLD, message).items[0]
    return form, Findings((replace(finding, count=len(readable)),))


def read_pictures(
    raw: RawSplit, probes: Sequence[Probe], form: Form, *, split: str, in_memory: bool
) -> tuple[CheckedSplit, Findings]:
    """Decodes every image once: those that can be decoded are the split, the others are left out."""
    pictures: Pictures = raw.inputs
    troubles: dict[int, tuple[str, str]] = {i: probe.trouble for i, probe in enumerate(probes) if probe.trouble}
    candidates = [index for index in range(len(pictures)) if index not in troubles]
    held = torch.empty((len(candidates) if in_memory else 0, *form.shape), dtype=torch.uint8)
    file = decoded_file(form.shape, len(candidates)) if pictures.fixed and not in_memory else None
    good: list[int] = []
    hashes: list[bytes] = []
    for index, array in _decoded(pictures, candidates, form):
        if isinstance(array, tuple):
            troubles[index] = array
            continue
        if in_memory:
            held[len(good)] = torch.from_numpy(array)
        elif file is not None:
            file.add(array)
        good.append(index)
        hashes.append(digest(memoryview(array).cast("B")))
    kept = np.array(good, dtype=np.int64)
    samples: Samples | None = TensorSamples(held[: len(good)]) if in_memory else file.samples() if file else None
    checked = CheckedSplit(
        samples if samples is not None else PictureSamples(pictures.select(kept), form),
        None if raw.targets is None else raw.targets[kept],
        [raw.names[index] for index in good],
        np.frombuffer(b"".join(hashes), DIGEST) if pictures.fixed else None,
    )
    return checked, _left_out(raw, troubles, split) + _repaired(raw, probes, good, form, split)


def _decoded(pictures: Pictures, indices: list[int], form: Form) -> Iterator[tuple[int, Any]]:
    """(index, array or trouble), a chunk at a time so that few arrays wait."""

    def decode(index: int) -> npt.NDArray[np.uint8] | tuple[str, str]:
        try:
            with pictures.open(index) as image:
                return as_array(image, form)
        except (DataError, *UNREADABLE) as error:
            return _trouble(error)

    with _quiet():
        for start in range(0, len(indices), _CHUNK):
            chunk = indices[start : start + _CHUNK]
            yield from zip(chunk, list(_in_threads(pictures, decode, chunk, workers=_readers())), strict=True)


def _left_out(raw: RawSplit, troubles: dict[int, tuple[str, str]], split: str) -> Findings:
    findings = Findings()
    for kind, message in _LEFT_OUT.items():
        indices = [index for index in sorted(troubles) if troubles[index][0] == kind]
        names, reasons = [raw.names[index] for index in indices], [troubles[index][1] for index in indices]
        findings += report(kind, split, names, Action.LEFT_OUT, message, reasons=reasons)
    return findings


def _repaired(raw: RawSplit, probes: Sequence[Probe], good: list[int], form: Form, split: str) -> Findings:
    size = (form.height, form.width)
    repairs = (
        ("exif-rotated", "images turned as their EXIF data say", [i for i in good if probes[i].rotated]),
        ("wrong-mode", f"images converted to {form.mode}", [i for i in good if probes[i].mode != form.mode]),
        ("wrong-size", f"images resized to {size[0]}×{size[1]} pixels", [i for i in good if probes[i].size != size]),
    )
    findings = Findings()
    for kind, message, indices in repairs:
        findings += report(kind, split, [raw.names[index] for index in indices], Action.REPAIRED, message)
    return findings


def _common_size(sizes: list[tuple[int, int]]) -> tuple[int, int]:
    """The most common (H, W); the median where all differ."""
    size, count = Counter(sizes).most_common(1)[0]
    if count > 1 or len(sizes) == 1:
        return size
    height, width = np.median(np.array(sizes), axis=0)
    return round(float(height)), round(float(width))


def _trouble(error: Exception) -> tuple[str, str]:
    text = str(error) or type(error).__name__
    if isinstance(error, DataError) or "decompression bomb" in text:
        return "oversized-image", text
    ends_early = ("truncated", "broken data stream", "unexpected end", "not enough data")
    return ("truncated-image" if any(word in text.lower() for word in ends_early) else "unreadable-image"), text


def _readers() -> int:
    """Threads that read every image once: two a core, as some wait for the disk."""
    return 2 * device.usable_cores()


def _in_threads(
    pictures: Pictures, work: Callable[[int], Any], indices: Sequence[int], *, workers: int
) -> Iterator[Any]:
    """Results in the order of ``indices``."""
    if workers == 1 or not pictures.parallel or len(indices) == 1:
        yield from map(work, indices)
        return
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="naiad-decode") as pool:
        yield from pool.map(work, indices)


@contextmanager
def _quiet() -> Iterator[None]:
    """Pillow warns about what is found and reported here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
