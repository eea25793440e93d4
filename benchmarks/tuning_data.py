"""Networks and data for the benchmarks of tuning: SimpleNet on Fashion-MNIST, an MLP on two tables, a GRU on rows of digits.

The tables are breast cancer and the wines of scikit-learn, made harder by noise in the labels; nothing in Naiad was tuned on them
in this form.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from torch import Tensor, nn

import naiad
from naiad.trainer.data.prepare import prepare

FASHION_SAMPLES = 10_000


class DigitGRU(nn.Module):
    """(B, 8, 8) rows of a digit in, logits (B, 10) out."""

    def __init__(self, hidden: int = 32) -> None:
        super().__init__()
        self.gru = nn.GRU(8, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 10))

    def forward(self, rows: Tensor) -> Tensor:
        logits: Tensor = self.head(self.gru(rows)[1][-1])
        return logits


@dataclass(frozen=True)
class Problem:
    name: str
    net: Any
    data: Any
    space: Mapping[str, Any]
    options: Mapping[str, Any]


def problems(names: list[str]) -> list[Problem]:
    return [_PROBLEMS[name]() for name in names]


def _fashion() -> Problem:
    dataset = prepare("fashion-mnist")
    images = dataset.train.samples.tensor.numpy()[:, 0]  # type: ignore[attr-defined]  # reason: it is in memory
    labels = dataset.train.targets.numpy()
    test = (dataset.test.samples.tensor.numpy()[:, 0], dataset.test.targets.numpy())
    data = {
        "train": (images[:FASHION_SAMPLES], labels[:FASHION_SAMPLES]),
        "validation": (images[-5_000:], labels[-5_000:]),
        "test": test,
    }
    space = {**_SPACE, "activation": "relu,gelu,silu", "label_smoothing": "0:0.2"}
    return Problem("fashion", naiad.SimpleNet, data, space, {})


def _table(name: str) -> Problem:
    X, y = {"cancer": load_breast_cancer, "wine": load_wine}[name](return_X_y=True)
    generator = np.random.default_rng(0)
    X, y = np.repeat(X, 3, axis=0), np.repeat(y, 3)
    X = (X + 0.7 * X.std(axis=0) * generator.normal(size=X.shape)).astype(np.float32)
    order = generator.permutation(len(X))
    train, validation, test = np.split(order, [len(X) // 2, 3 * len(X) // 4])
    data = {"train": (X[train], y[train]), "validation": (X[validation], y[validation]), "test": (X[test], y[test])}
    space = {**_SPACE, "activation": "relu,gelu,silu,tanh", "width": "logint:16:256", "dropout": "0:0.5"}
    return Problem(name, "mlp", data, space, {})


def _gru() -> Problem:
    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 8, 8).astype(np.float32)
    data = {"train": (X[:900], y[:900]), "validation": (X[900:1350], y[900:1350]), "test": (X[1350:], y[1350:])}
    space = {**_SPACE, "hidden": "logint:16:64", "activation": "relu,gelu,tanh"}
    return Problem("gru", DigitGRU, data, space, {"as_": "sequence"})


_SPACE = {
    "lr": "log:1e-4:0.3",
    "batch_size": "logint:16:256",
    "optimizer": "sgd,adamw",
    "weight_decay": "log:1e-5:1",
    "schedule": "one-cycle,cosine",
}
_PROBLEMS = {
    "fashion": _fashion,
    "cancer": lambda: _table("cancer"),
    "wine": lambda: _table("wine"),
    "gru": _gru,
}
NAMES = tuple(_PROBLEMS)
