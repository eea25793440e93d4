"""Samples that are pictures, made ready to be looked at: the data's own, and the ones that the model got most wrong.

Shape legend: N samples, C channels, H height, W width.
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

MISTAKES = 24
SAMPLES = 32
LARGEST_SIDE = 160
"""Pixels; larger pictures are made smaller, so that the report stays one that can be sent."""


@dataclass(frozen=True)
class Shown:
    """One picture of a gallery."""

    picture: npt.NDArray[np.uint8]
    """(H, W, 3)."""
    name: str
    """Where the sample came from."""
    lines: tuple[str, ...]
    """The caption."""

    def png(self) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(self.picture).save(buffer, format="PNG")
        return buffer.getvalue()


def are_pictures(schema: InputSchema) -> bool:
    return schema.dtype == torch.uint8 and len(schema.sample_shape) == 3


def samples(dataset: Dataset) -> list[Shown]:
    """Some of the training split, as many of each class as there is room for."""
    split = dataset.train
    if dataset.classes and split.targets is not None:
        each = max(1, SAMPLES // len(dataset.classes))
        firsts = [
            (split.targets == index).nonzero().flatten()[:each] for index in range(min(len(dataset.classes), SAMPLES))
        ]
        indices = torch.cat(firsts)
    else:
        indices = torch.arange(min(SAMPLES, len(split)))
    return _shown(split, indices, [(_truth(dataset, split, int(index)),) for index in indices])


def surest_mistakes(dataset: Dataset, split: Split, scores_NK: npt.NDArray[np.float32]) -> list[Shown]:
    """The wrong predictions with the highest score, surest first."""
    assert split.targets is not None
    predicted_N, sure_N = scores_NK.argmax(axis=1), scores_NK.max(axis=1)
    wrong = np.flatnonzero(predicted_N != split.targets.numpy())
    worst = wrong[np.argsort(-sure_N[wrong], kind="stable")][:MISTAKES]
    lines = [
        (
            f"{_truth(dataset, split, int(index))} → {dataset.classes[predicted_N[index]]}",
            f"{100 * sure_N[index]:.1f} %",
        )
        for index in worst
    ]
    return _shown(split, torch.from_numpy(worst), lines)


def largest_errors(dataset: Dataset, split: Split, values_N: npt.NDArray[np.float32]) -> list[Shown]:
    """The predictions farthest from the target, farthest first."""
    assert split.targets is not None
    errors_N = np.abs(values_N - split.targets.numpy())
    worst = np.argsort(-errors_N, kind="stable")[:MISTAKES]
    lines = [(f"{_truth(dataset, split, int(index))} → {values_N[index]:.4g}",) for index in worst]
    return _shown(split, torch.from_numpy(worst), lines)


def _truth(dataset: Dataset, split: Split, index: int) -> str:
    if split.targets is None:
        return ""
    target = split.targets[index].item()
    return f"{target:.4g}" if dataset.task is Task.REGRESSION else _class_name(dataset.classes, int(target))


def _class_name(classes: Sequence[str], index: int) -> str:
    return classes[index] if index < len(classes) else str(index)


def _shown(split: Split, indices: Tensor, lines: Sequence[tuple[str, ...]]) -> list[Shown]:
    if not len(indices):
        return []
    raw_NCHW = split.samples.take(indices)
    names = [str(split.names[int(index)]) for index in indices]
    return [Shown(picture(raw_CHW), name, line) for raw_CHW, name, line in zip(raw_NCHW, names, lines, strict=True)]


def picture(raw_CHW: Tensor) -> npt.NDArray[np.uint8]:
    """(H, W, 3). Three channels, or four with a transparency, are a colour; of others the first is shown, in grey."""
    channels = raw_CHW[:3] if raw_CHW.shape[0] in (3, 4) else raw_CHW[:1].expand(3, -1, -1)
    whole: npt.NDArray[np.uint8] = channels.permute(1, 2, 0).contiguous().numpy()
    if max(whole.shape) <= LARGEST_SIDE:
        return whole
    small = Image.fromarray(whole)
    small.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    return np.asarray(small)
