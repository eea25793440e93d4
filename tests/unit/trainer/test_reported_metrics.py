"""Random data sets in every kind of container: the metrics that are reported equal scikit-learn's on the returned predictions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from PIL import Image
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error, mean_squared_error, r2_score
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset

from naiad.trainer.fit import fit
from naiad.trainer.loop.progress import SilentProgress

SEEDS = range(200)
FAST_SEEDS = range(0, 200, 25)
PLAN = {"optimizer": "adamw", "batch_size": 16, "measure_fraction": 0, "threads": 1}
SIZES = {"train": 48, "test": 24}


class Items(Dataset[Any]):
    def __init__(self, make: Callable[[int], Any], count: int) -> None:
        self.make, self.count = make, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return self.make(index)


class Stream(IterableDataset[Any]):
    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __iter__(self) -> Any:
        return iter(self.items)


class Sequences(nn.Module):
    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.steps, self.out = nn.GRU(features, 8, batch_first=True), nn.Linear(8, outputs)

    def forward(self, inputs: Any) -> Any:
        return self.out(self.steps(inputs)[0][:, -1])


class Words(nn.Module):
    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.words, self.out = nn.Embedding(30, 8), nn.Linear(8, outputs)

    def forward(self, ids: Any) -> Any:
        return self.out(self.words(ids).mean(1))


# ---- labels: (values as the container gets them, truth as scikit-learn gets it, number of outputs)


def class_labels(rng: np.random.Generator, count: int) -> tuple[Any, list[str], int]:
    classes = int(rng.integers(2, 8))
    indices = np.concatenate([np.arange(classes), rng.integers(0, classes, count - classes)])
    rng.shuffle(indices)
    names: Any = {
        "counts": np.arange(classes),
        "from one": np.arange(classes) + 1,
        "negative": np.arange(classes) - 1,
        "floats": np.arange(classes) + 1.0,
        "text": np.array([f"{letter} {letter}" for letter in "hgfedcba"[:classes]]),
        "codes": np.array([f"{index:03d}" for index in range(classes)]),
    }[str(rng.choice(["counts", "from one", "negative", "floats", "text", "codes"]))]
    labels = names[indices]
    whole = labels.dtype.kind in "if"
    return labels, [str(int(label)) if whole else str(label) for label in labels], classes


def value_labels(rng: np.random.Generator, count: int) -> tuple[Any, list[float], int]:
    scale, offset = float(rng.choice([1e-3, 1.0, 1e4])), float(rng.choice([0.0, 7.5, 1e6]))
    values = rng.normal(size=count) * scale + offset
    return values, values.tolist(), 1


# ---- containers: (data, inputs for predict, network)


def vectors(rng: np.random.Generator, count: int) -> Any:
    return rng.normal(size=(count, 5)).astype(np.float32)


def as_arrays(rng: Any, labels: Any, folder: Path, outputs: int) -> Any:
    X = vectors(rng, len(labels))
    return (X, labels), X, nn.Linear(5, outputs)


def as_lists(rng: Any, labels: Any, folder: Path, outputs: int) -> Any:
    X = vectors(rng, len(labels))
    return (X.tolist(), labels.tolist()), X.tolist(), nn.Linear(5, outputs)


def as_pairs(rng: Any, labels: Any, folder: Path, outputs: int) -> Any:
    X = vectors(rng, len(labels))
    return list(zip(torch.from_numpy(X), labels.tolist(), strict=True)), X, nn.Linear(5, outputs)


def as_items(rng: Any, labels: Any, folder: Path, outputs: int) -> Any:
    X = vectors(rng, len(labels))
    forms = [
        lambda index: (X[index], labels[index]),
        lambda index: (X[index], labels[index], index),
        lambda index: {"x": torch.from_numpy(X[index]), "label": labels[index], "path": f"{index}.bin"},
    ]
    return Items(forms[int(rng.integers(3))], len(labels)), X, nn.Linear(5, outputs)


def as_parts(rng: Any, labels: Any, folder: Path, outputs: int) -> Any:
    data, X, net = as_items(rng, labels, folder, outputs)
    order, half = rng.permutation(len(labels)), len(labels) // 2
    shuffled, places = Subset(data, order.tolist()), np.argsort(order).tolist()
    return ConcatDataset([Subset(shuffled, places[:half]), Subset(shuffled, places[half:])]), X, net


def as_loader(rng: Any, labels: Any, folder: Path, outputs: int) -> Any:
    data, X, net = as_items(rng, labels, folder, outputs)
    return DataLoader(data, batch_size=8, shuffle=True), X, net


def as_stream(rng: Any, labels: Any, folder: Path, outputs: int) -> Any:
    X = vectors(rng, len(labels))
    items = list(zip(X, labels, strict=True))
    return (Stream(items) if rng.random() < 0.5 else iter(items)), X, nn.Linear(5, outputs)


def as_frame(rng: Any, labels: Any, folder: Path, outputs: int) -> Any:
    frame = pd.DataFrame({"size": rng.normal(size=len(labels)), "city": rng.choice(["u", "v", "w"], len(labels))})
    whole = frame.assign(label=labels)
    form = int(rng.integers(3))
    if form == 0:
        return whole, frame, "mlp"
    if form == 1:
        return pa.Table.from_pandas(whole), pa.Table.from_pandas(frame), "mlp"
    whole.to_csv(folder / "table.csv", index=False)
    return folder / "table.csv", frame, "mlp"


def as_image_arrays(rng: Any, labels: Any, folder: Path, outputs: int) -> Any:
    shape = [(8, 9), (8, 9, 3), (3, 8, 9)][int(rng.integers(3))]
    X = rng.integers(0, 256, (len(labels), *shape), dtype=np.uint8)
    return (X, labels), X, nn.Sequential(nn.Flatten(), nn.LazyLinear(outputs))


def as_image_items(rng: Any, labels: Any, folder: Path, outputs: int) -> Any:
    dtype = [np.uint8, np.uint16][outputs % 2]
    arrays = rng.integers(0, 200, (len(labels), 6, 6)).astype(dtype)
    images = [Image.fromarray(array) for array in arrays]
    data = Items(lambda index: (images[index], labels[index]), len(labels))
    return data, images, nn.Sequential(nn.Flatten(), nn.LazyLinear(outputs))


def as_sequences(rng: Any, labels: Any, folder: Path, outputs: int) -> Any:
    X = rng.normal(size=(len(labels), 6, 3)).astype(np.float32)
    return (X, labels), X, Sequences(3, outputs)


def as_tokens(rng: Any, labels: Any, folder: Path, outputs: int) -> Any:
    X = rng.integers(0, 30, (len(labels), 7))
    return (X, labels), X, Words(outputs)


CONTAINERS: list[Callable[..., Any]] = [
    as_arrays,
    as_lists,
    as_pairs,
    as_items,
    as_parts,
    as_loader,
    as_stream,
    as_frame,
    as_image_arrays,
    as_image_items,
    as_sequences,
    as_tokens,
]


def sklearn_metrics(truth: Any, predicted: Any, *, is_regression: bool) -> dict[str, float]:
    if is_regression:
        return {
            "r2": r2_score(truth, predicted),
            "mae": mean_absolute_error(truth, predicted),
            "rmse": mean_squared_error(truth, predicted) ** 0.5,
        }
    return {
        "accuracy": accuracy_score(truth, predicted),
        "f1_macro": f1_score(truth, predicted, average="macro", zero_division=0),
    }


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=() if seed in FAST_SEEDS else pytest.mark.slow) for seed in SEEDS]
)
def test_reported_metrics_equal_scikit_learns_on_the_predictions(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    is_regression = bool(rng.random() < 0.3)
    labels, truth, outputs = (value_labels if is_regression else class_labels)(rng, sum(SIZES.values()))
    make = CONTAINERS[seed % len(CONTAINERS)]
    data, inputs, place = {}, None, 0
    for split, size in SIZES.items():
        (tmp_path / split).mkdir()
        part = labels[place : place + size]
        data[split], inputs, net = make(np.random.default_rng([seed, place]), part, tmp_path / split, outputs)
        place += size
    torch.manual_seed(seed)
    task = "regression" if is_regression else "classification"
    model = fit(net, data, task=task, epochs=1, plan=PLAN, report=False, progress=SilentProgress())
    predicted = model.predict(inputs).labels
    expected = sklearn_metrics(truth[SIZES["train"] :], predicted, is_regression=is_regression)
    reported = model.evaluations["test"]["metrics"]
    for name, value in expected.items():
        assert reported[name] == pytest.approx(value, rel=1e-9, abs=1e-9), (make.__name__, name)
