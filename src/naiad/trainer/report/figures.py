"""The figures of a report: chosen from what the model, the data and the evaluation offer.

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

from naiad.trainer.artifact.program import Encoder, Program
from naiad.trainer.data.dataset import Dataset, Split, Task
from naiad.trainer.model.evaluate import Evaluation
from naiad.trainer.model.model import Model
from naiad.trainer.report import contents, images, plots

_MAX_POINTS = 2_000
"""Points of a scatter plot: more would not show more."""


@dataclass(frozen=True)
class ReportFigure:
    """A picture of the report, as a PNG file."""

    name: str
    """The name of the file, without its ending."""
    title: str
    alt: str
    """Description for people who do not see the picture."""
    png: bytes

    @property
    def uri(self) -> str:
        return data_uri(self.png)


@dataclass(frozen=True)
class Gallery:
    """Several pictures with captions."""

    name: str
    title: str
    about: str
    """One sentence that says which pictures these are."""
    pictures: list[images.Picture]

    def figure(self) -> ReportFigure:
        """All pictures on one sheet."""
        captions = ["\n".join(picture.caption) for picture in self.pictures]
        png = plots.sheet([picture.pixels for picture in self.pictures], captions)
        return ReportFigure(self.name, self.title, self.about, png)


@dataclass(frozen=True)
class ScoredSplit:
    """The split of an evaluation, with the scores of its samples."""

    dataset: Dataset
    split: Split
    scores: npt.NDArray[np.float32 | np.float64]


def data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def scored_split(dataset: Dataset | None, evaluation: Evaluation | None) -> ScoredSplit | None:
    """The test or validation split, whichever has as many samples as the evaluation; None where there is none."""
    if dataset is None or evaluation is None:
        return None
    splits = [
        split for split in (dataset.test, dataset.validation) if split is not None and len(split) == evaluation.samples
    ]
    return ScoredSplit(dataset, splits[0], evaluation.scores) if splits and evaluation.samples else None


def curves(model: Model) -> Iterator[ReportFigure]:
    """Losses, the main metric and the learning rate by epoch; nothing without a history."""
    if not model.history:
        return
    yield from _loss_curves(model)
    for metric in _main_metrics(model):
        label = contents.metric_label(metric)
        png = plots.lines({label: _validation_points(model, metric)}, y_label=f"{label}, validation")
        yield ReportFigure(f"validation-{metric}", f"Validation {label}", f"validation {label} by epoch", png)
    rates = [(record.epoch, record.learning_rate) for record in model.history]
    png = plots.lines({"learning rate": rates}, y_label="learning rate at the epoch's end")
    yield ReportFigure("learning-rate", "Learning rate", "learning rate by epoch", png)


def _loss_curves(model: Model) -> Iterator[ReportFigure]:
    """One figure; two for a regression, which trains on standardised targets and validates in the user's units."""
    validation = _validation_points(model, "loss")
    losses: dict[str, list[tuple[float, float]]] = {
        "train": [(record.epoch, record.train_loss) for record in model.history]
    }
    has_own_units = model.task is Task.REGRESSION
    if validation and not has_own_units:
        losses["validation"] = validation
    yield ReportFigure("loss", "Loss", "loss by epoch", plots.lines(losses, y_label="loss"))
    if validation and has_own_units:
        png = plots.lines({"validation": validation}, y_label="mean squared error, validation")
        yield ReportFigure("validation-loss", "Validation loss", "validation loss by epoch", png)


def _validation_points(model: Model, metric: str) -> list[tuple[float, float]]:
    return [(record.epoch, record.validation[metric]) for record in model.history if metric in record.validation]


def _main_metrics(model: Model) -> list[str]:
    """The task's main metric; empty where the history has none."""
    names: tuple[str, ...] = ("accuracy", "r2", "nmi", "silhouette")
    return [name for name in names if name in model.history[-1].validation][:1]


def confusion(evaluation: Mapping[str, Any]) -> ReportFigure | None:
    """The confusion matrix of ``Evaluation.to_json()``; None where it has none."""
    counts = evaluation.get("confusion")
    if not counts:
        return None
    classes = [row["name"] for row in evaluation["per_class"]]
    png = plots.confusion(np.asarray(counts, dtype=np.int64), classes)
    alt = "samples by true class (rows) and predicted class (columns)"
    return ReportFigure("confusion", "Confusion matrix", alt, png)


def regression(scored: ScoredSplit) -> Iterator[ReportFigure]:
    """Predicted values and errors; nothing for other tasks, and where no value is finite."""
    if scored.dataset.task is not Task.REGRESSION or scored.split.targets is None:
        return
    targets_N, values_N, name = scored.split.targets.numpy(), scored.scores.reshape(-1), scored.dataset.target_name
    finite = np.isfinite(values_N)
    if not finite.any():
        return
    targets_N, values_N = targets_N[finite], values_N[finite]
    chosen = _choose_points(len(values_N))
    yield ReportFigure(
        "predicted-against-true",
        "Predicted against true",
        "predicted values against true ones; on the line both are equal",
        plots.scatter(targets_N[chosen], values_N[chosen], name=name),
    )
    png = plots.histogram(values_N - targets_N, name=name)
    yield ReportFigure("errors", "Errors", "how many samples have which error", png)


def clusters(scored: ScoredSplit, model: Model) -> Iterator[ReportFigure]:
    """The embeddings by cluster; nothing for other tasks, and for a program without an encoder."""
    program = model.program
    if scored.dataset.task is not Task.CLUSTERING:
        return
    if not isinstance(program, Program) or not isinstance(program.net, Encoder):
        return
    chosen = _choose_points(len(scored.split))
    points_ND = _compute_embeddings(program, scored.split, chosen)
    if min(points_ND.shape) < 2 or not np.isfinite(points_ND).all():
        return
    points_N2 = PCA(n_components=2, random_state=0, svd_solver="full").fit_transform(points_ND)
    png = plots.clusters(points_N2, scored.scores[chosen].argmax(axis=1))
    alt = "the embeddings on their first two principal components, coloured by cluster"
    yield ReportFigure("clusters", "Clusters", alt, png)


@torch.no_grad()
def _compute_embeddings(program: Program, split: Split, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    batches = torch.split(torch.from_numpy(chosen), 512)
    embeddings_ND = torch.cat(
        [program.net(program.features(split.samples.take(indices))).float() for indices in batches]
    )
    result: npt.NDArray[np.float32] = embeddings_ND.numpy()
    return result


def _choose_points(count: int) -> npt.NDArray[np.int64]:
    """Indices of at most _MAX_POINTS of ``count`` points, at random, in order."""
    return np.sort(np.random.default_rng(0).permutation(count)[:_MAX_POINTS])


def mistakes(scored: ScoredSplit) -> Gallery | None:
    """The surest mistakes of a classification or the largest errors of a regression; None where no picture shows one."""
    dataset, split = scored.dataset, scored.split
    if split.targets is None or not images.has_pictures(dataset.schema):
        return None
    targets = split.targets.numpy()
    match dataset.task:
        case Task.CLASSIFICATION:
            pictures = images.surest_mistakes(dataset, split, targets, scored.scores)
            title = "Surest mistakes"
            about = "Wrong predictions with the highest score: true → predicted, and how sure the model was."
        case Task.REGRESSION:
            pictures = images.largest_errors(dataset, split, targets, scored.scores.reshape(-1))
            title, about = "Largest errors", "Predictions farthest from the target: true → predicted."
        case Task.CLUSTERING:
            return None
    return Gallery("mistakes", title, about, pictures) if pictures else None


def samples(dataset: Dataset) -> Gallery | None:
    """Some training samples; None where they are no pictures."""
    if not images.has_pictures(dataset.schema):
        return None
    pictures = images.example_pictures(dataset)
    about = "Some of the training split, as the model is given them."
    return Gallery("samples", "Samples", about, pictures) if pictures else None
