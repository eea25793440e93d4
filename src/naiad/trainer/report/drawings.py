"""Which figures a report has: chosen from what the model, the data and the evaluation offer.

Shape legend: N samples, D embedding size.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.decomposition import PCA

from naiad.trainer.artifact.program import Encode, Program
from naiad.trainer.data.dataset import Dataset, Split, Task
from naiad.trainer.model.evaluate import Evaluation
from naiad.trainer.model.model import Model
from naiad.trainer.report import contents, figures, images

_POINTS = 2_000
"""A scatter of more samples says no more."""


@dataclass(frozen=True)
class Drawing:
    """``name`` is the PNG file's, without its ending; ``alt`` says what is seen for those who do not see it."""

    name: str
    title: str
    alt: str
    png: bytes

    @property
    def uri(self) -> str:
        return data_uri(self.png)


def data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


@dataclass(frozen=True)
class Tested:
    """The split that an evaluation is of, with the scores for its samples."""

    dataset: Dataset
    split: Split
    scores: npt.NDArray[np.float32]


def tested(dataset: Dataset | None, evaluation: Evaluation | None) -> Tested | None:
    """None where there are no scores, or no split that they can be of."""
    if dataset is None or evaluation is None:
        return None
    splits = [
        split for split in (dataset.test, dataset.validation) if split is not None and len(split) == evaluation.samples
    ]
    return Tested(dataset, splits[0], evaluation.scores) if splits and evaluation.samples else None


def curves(model: Model) -> Iterator[Drawing]:
    history = model.history
    if not history:
        return
    validation = [(record.epoch, record.validation["loss"]) for record in history if "loss" in record.validation]
    losses = {"train": [(record.epoch, record.train_loss) for record in history]}
    learns_standardised = model.task is Task.REGRESSION
    if validation and not learns_standardised:
        losses["validation"] = validation
    yield Drawing("loss", "Loss", "loss by epoch", figures.lines(losses, y_label="loss"))
    if validation and learns_standardised:
        drawn = figures.lines({"validation": validation}, y_label="mean squared error, validation")
        yield Drawing("validation-loss", "Validation loss", "validation loss by epoch", drawn)
    for metric in _headlines(model):
        points = [(record.epoch, record.validation[metric]) for record in history if metric in record.validation]
        label = contents.metric_label(metric)
        drawn = figures.lines({label: points}, y_label=f"{label}, validation")
        yield Drawing(f"validation-{metric}", f"Validation {label}", f"validation {label} by epoch", drawn)
    rates = [(record.epoch, record.learning_rate) for record in history]
    drawn = figures.lines({"learning rate": rates}, y_label="learning rate at the epoch's end")
    yield Drawing("learning-rate", "Learning rate", "learning rate by epoch", drawn)


def _headlines(model: Model) -> list[str]:
    names: tuple[str, ...] = ("accuracy", "r2", "nmi", "silhouette")
    return [name for name in names if name in model.history[-1].validation][:1]


def confusion(evaluation: Mapping[str, Any]) -> Drawing | None:
    counts = evaluation.get("confusion")
    if not counts:
        return None
    classes = [row["name"] for row in evaluation["per_class"]]
    png = figures.confusion(np.asarray(counts, dtype=np.int64), classes)
    return Drawing("confusion", "Confusion matrix", "samples by true class (rows) and predicted class (columns)", png)


def regression(part: Tested) -> Iterator[Drawing]:
    if part.dataset.task is not Task.REGRESSION or part.split.targets is None:
        return
    truth_N, values_N, name = part.split.targets.numpy(), part.scores.reshape(-1), part.dataset.target_name
    finite = np.isfinite(values_N)
    if not finite.any():
        return
    truth_N, values_N = truth_N[finite], values_N[finite]
    chosen = _some(len(values_N))
    drawn = figures.scatter(truth_N[chosen], values_N[chosen], name=name)
    yield Drawing(
        "predicted-against-true",
        "Predicted against true",
        "predicted values against true ones; on the line both are equal",
        drawn,
    )
    drawn = figures.histogram(values_N - truth_N, name=name)
    yield Drawing("errors", "Errors", "how many samples have which error", drawn)


def clusters(part: Tested, model: Model) -> Iterator[Drawing]:
    program = model.program
    if (
        part.dataset.task is not Task.CLUSTERING
        or not isinstance(program, Program)
        or not isinstance(program.net, Encode)
    ):
        return
    chosen = _some(len(part.split))
    points_ND = _embeddings(program, part.split, chosen)
    if min(points_ND.shape) < 2 or not np.isfinite(points_ND).all():
        return
    points_N2 = PCA(n_components=2, random_state=0, svd_solver="full").fit_transform(points_ND)
    drawn = figures.clusters(points_N2, part.scores[chosen].argmax(axis=1))
    yield Drawing(
        "clusters", "Clusters", "the embeddings on their first two principal components, coloured by cluster", drawn
    )


@torch.no_grad()
def _embeddings(program: Program, split: Split, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    batches = torch.split(torch.from_numpy(chosen), 512)
    embeddings_ND = torch.cat(
        [program.net(program.features(split.samples.take(indices))).float() for indices in batches]
    )
    result: npt.NDArray[np.float32] = embeddings_ND.numpy()
    return result


def _some(count: int) -> npt.NDArray[np.int64]:
    return np.sort(np.random.default_rng(0).permutation(count)[:_POINTS])


@dataclass(frozen=True)
class Gallery:
    name: str
    title: str
    about: str
    shown: list[images.Shown]

    def drawing(self) -> Drawing:
        """All of it as one picture."""
        captions = ["\n".join(item.lines) for item in self.shown]
        return Drawing(
            self.name, self.title, self.about, figures.sheet([item.picture for item in self.shown], captions)
        )


def mistakes(part: Tested) -> Gallery | None:
    """Surest mistakes, or the largest errors of a regression; None where there are none to see."""
    dataset, split = part.dataset, part.split
    if split.targets is None or not images.are_pictures(dataset.schema):
        return None
    match dataset.task:
        case Task.CLASSIFICATION:
            shown = images.surest_mistakes(dataset, split, part.scores)
            title, about = (
                "Surest mistakes",
                "Wrong predictions with the highest score: true → predicted, and how sure the model was.",
            )
        case Task.REGRESSION:
            shown = images.largest_errors(dataset, split, part.scores.reshape(-1))
            title, about = "Largest errors", "Predictions farthest from the target: true → predicted."
        case Task.CLUSTERING:
            return None
    return Gallery("mistakes", title, about, shown) if shown else None


def samples(dataset: Dataset) -> Gallery | None:
    if not images.are_pictures(dataset.schema):
        return None
    shown = images.samples(dataset)
    return (
        Gallery("samples", "Samples", "Some of the training split, as the model is given them.", shown)
        if shown
        else None
    )
