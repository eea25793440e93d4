"""``fit`` with the task of clustering."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from naiad.trainer.fit import fit
from naiad.trainer.loop.progress import SilentProgress


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return {"train": (X[:600].astype(np.float32), y[:600]), "test": (X[600:800].astype(np.float32), y[600:800])}


def cluster(data, plan):
    return fit(None, data, task="clustering", plan=plan, report=False, progress=SilentProgress())


def test_labels_only_score_clusters_and_a_plan_is_followed_to_as_many(digits):
    model = cluster(digits, {"clusters": 10, "epochs": 2})
    assert 0 < model.evaluations["test"]["metrics"]["nmi"] <= 1
    assert model.predict(digits["test"][0]).scores.shape == (200, 10)
    again = cluster(digits, model.plan)
    weights, others = model.program.state_dict(), again.program.state_dict()
    assert all(torch.equal(tensor, others[name]) for name, tensor in weights.items())
