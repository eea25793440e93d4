"""Short runs on scikit-learn's digits, and the comparison of their weights."""

from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits

from naiad.trainer.fit import fit
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.model.model import Model


def digit_splits() -> dict[str, tuple[Any, Any]]:
    """Returns 600 samples to train on, and 200 for the test: float32 (N, 64), labels (N,)."""
    X, y = load_digits(return_X_y=True)
    return {"train": (X[:600].astype(np.float32), y[:600]), "test": (X[600:800].astype(np.float32), y[600:800])}


def train(data: Any, net: Any = "mlp", **options: Any) -> Model:
    return fit(net, data, **{"epochs": 2, "report": False, "progress": SilentProgress(), **options})


def same(one: Model, other: Model) -> bool:
    """Whether both have the same weights, bit for bit."""
    weights = (model.program.state_dict() for model in (one, other))
    return all(torch.equal(a, b) for a, b in zip(*(state.values() for state in weights), strict=True))
