"""Samples that are pictures, ready to be shown: some of the data, and those that the model got most wrong.

Shape legend: N samples, K classes, C channels, H height, W width.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from naiad.trainer.data.dataset import Dataset, InputSchema, Split, Task

MAX_MISTAKES = 24
MAX_SAMPLES = 32
LARGEST_SIDE = 160
"""Pixels; larger pictures are reduced, so that the report stays small enough to be sent."""


@dataclass(frozen=True)
class Picture:
    """One picture of a gallery."""

    pixels: npt.NDArray[np.uint8]
    """(H, W, 3)."""
    name: str
    """The source of the sample."""
    caption: tuple[str, ...]
    """One or two lines."""

    def png(self) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(self.pixels).save(buffer, format="PNG")
        return buffer.getvalue()


def has_pictures(schema: InputSchema) -> bool:
    """Whether the samples are images."""
    return schema.dtype == torch.uint8 and len(schema.sample_shape) == 3


def example_pictures(dataset: Dataset) -> list[Picture]:
    """Some samples of the training split, as many of each class."""
    split = dataset.train
    if dataset.classes and split.targets is not None:
        per_class = max(1, MAX_SAMPLES // len(dataset.classes))
        firsts = [
            (split.targets == index).nonzero().flatten()[:per_class]
            for index in range(min(len(dataset.classes), MAX_SAMPLES))
        ]
        indices = torch.cat(firsts)
    else:
        indices = torch.arange(min(MAX_SAMPLES, len(split)))
    return _pictures(split, indices, [(_target_text(dataset, split, int(index)),) for index in indices])


def surest_mistakes(
    dataset: Dataset, split: Split, targets_N: npt.NDArray[np.int64], scores_NK: npt.NDArray[np.float32 | np.float64]
) -> list[Picture]:
    """The wrong predictions with the highest scores, the highest first."""
    predicted_N, sureness_N = scores_NK.argmax(axis=1), scores_NK.max(axis=1)
    wrong = np.flatnonzero(predicted_N != targets_N)
    worst = wrong[np.argsort(-sureness_N[wrong], kind="stable")][:MAX_MISTAKES]
    captions = [
        (
            f"{_target_text(dataset, split, int(index))} → {dataset.classes[predicted_N[index]]}",
            f"{100 * sureness_N[index]:.1f} %",
        )
        for index in worst
    ]
    return _pictures(split, torch.from_numpy(worst), captions)


def largest_errors(
    dataset: Dataset,
    split: Split,
    targets_N: npt.NDArray[np.float32 | np.float64],
    values_N: npt.NDArray[np.float32 | np.float64],
) -> list[Picture]:
    """The predictions farthest from the target, the farthest first."""
    errors_N = np.abs(values_N - targets_N)
    worst = np.argsort(-errors_N, kind="stable")[:MAX_MISTAKES]
    captions = [(f"{_target_text(dataset, split, int(index))} → {values_N[index]:.4g}",) for index in worst]
    return _pictures(split, torch.from_numpy(worst), captions)


def to_pixels(raw_CHW: Tensor) -> npt.NDArray[np.uint8]:
    """(H, W, 3). Three channels are colours, a fourth one is transparency; otherwise the first channel is shown in grey."""
    channels = raw_CHW[:3] if raw_CHW.shape[0] in (3, 4) else raw_CHW[:1].expand(3, -1, -1)
    pixels: npt.NDArray[np.uint8] = channels.permute(1, 2, 0).contiguous().numpy()
    if max(pixels.shape) <= LARGEST_SIDE:
        return pixels
    small = Image.fromarray(pixels)
    small.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    return np.asarray(small)


def _target_text(dataset: Dataset, split: Split, index: int) -> str:
    if split.targets is None:
        return ""
    target = split.targets[index].item()
    return f"{target:.4g}" if dataset.task is Task.REGRESSION else _class_name(dataset.classes, int(target))


def _class_name(classes: Sequence[str], index: int) -> str:
    return classes[index] if index < len(classes) else str(index)


def _pictures(split: Split, indices: Tensor, captions: Sequence[tuple[str, ...]]) -> list[Picture]:
    if not len(indices):
        return []
    raw_NCHW = split.samples.take(indices)
    names = [str(split.names[int(index)]) for index in indices]
    return [
        Picture(to_pixels(raw_CHW), name, caption)
        for raw_CHW, name, caption in zip(raw_NCHW, names, captions, strict=True)
    ]
