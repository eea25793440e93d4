"""Statistics of the label by category: out of fold for training rows, of all rows for new ones."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from naiad.trainer.data.dataset import Split, Task, TensorSamples
from naiad.trainer.data.features.table import MAX_INPUTS, TableSchema
from naiad.trainer.data.features.target_statistics import (
    FOLDS,
    CategoryColumn,
    StatisticTargets,
    assign_folds,
    fit_target_statistics,
)
from naiad.trainer.data.prepare import DataOptions, prepare

COLUMN = CategoryColumn(1, 3)


def fit(codes: list[int], targets: list[float], *, task: Task = Task.CLASSIFICATION, classes: int = 2):
    """Returns the statistics, and the training rows with their folds. Column 1 has the codes."""
    encoded = torch.stack([torch.zeros(len(codes)), torch.tensor(codes, dtype=torch.float32)], dim=1)
    values = torch.tensor(targets) if task is Task.REGRESSION else torch.tensor(targets, dtype=torch.int64)
    train = assign_folds(Split(TensorSamples(encoded), values, ["row"] * len(codes)), [COLUMN], seed=0)
    assert isinstance(train.samples, TensorSamples)
    rows = train.samples.tensor
    return fit_target_statistics([COLUMN], rows, StatisticTargets(values, task, classes)), rows


def test_a_training_row_does_not_see_its_own_target():
    """Each category has one row: its own target is all that could be known of it."""
    codes, targets = [0, 1, 2], [1, 0, 0]
    statistics, rows = fit(codes, targets)
    others = statistics(rows).flatten()
    new = statistics(torch.tensor([[0.0, float(code)] for code in codes])).flatten()
    assert others.argmax() != 0  # the others' mean is lowest where the own target is 1
    assert new.argmax() == 0


def test_the_mean_of_many_rows_is_the_category():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 3000)
    targets = (rng.random(3000) < np.array([0.1, 0.5, 0.9])[codes]).astype(float)
    statistics, rows = fit(codes.tolist(), targets.tolist())
    seen = statistics(rows)
    assert seen.shape == (3000, 1)
    assert abs(float(seen.mean())) < 1e-5
    assert float(seen.std(correction=0)) == pytest.approx(1, abs=1e-5)
    low, middle, high = statistics(torch.tensor([[0.0, 0.0], [0.0, 1.0], [0.0, 2.0]])).flatten().tolist()
    assert low < middle < high
    assert middle == pytest.approx(0, abs=0.1)


def test_unknown_and_missing_categories():
    statistics, _ = fit([0, 0, 1, 1, 2, 2] * 20, [1, 1, 0, 0, 1, 0] * 20)
    unknown, missing, beyond = statistics(torch.tensor([[0.0, -1.0], [0.0, -2.0], [0.0, 99.0]])).flatten().tolist()
    assert unknown == pytest.approx(missing)  # neither was there: the mean of all rows
    assert np.isfinite(beyond)


def test_a_class_or_a_value_each():
    statistics, _ = fit([0, 1, 2] * 30, [0, 1, 2] * 30, classes=3)
    assert statistics(torch.tensor([[0.0, 1.0]])).argmax() == 1
    values, _ = fit([0, 1, 2] * 30, [5.0, 6.0, 70.0] * 30, task=Task.REGRESSION, classes=0)
    low, _, high = values(torch.tensor([[0.0, 0.0], [0.0, 1.0], [0.0, 2.0]])).flatten().tolist()
    assert high - low > 2


def test_folds_share_the_rows_and_leave_the_codes():
    _, rows = fit([0, 1, 2] * 40, [0, 1, 1] * 40)
    assert torch.floor(rows[:, 1]).tolist() == [0, 1, 2] * 40
    assert len(torch.unique(rows[:, 1] % 1)) == FOLDS


def many_categories(rows: int = 1500, count: int = 150) -> pa.Table:
    codes = np.random.default_rng(1).integers(0, count, rows)
    parity = np.where(codes % 2 == 0, "even", "odd")
    noise = np.random.default_rng(2).normal(size=rows)
    return pa.table({"c": [f"k{code}" for code in codes], "n": noise, "label": parity})


def test_a_table_with_many_categories():
    dataset = prepare(many_categories())
    assert isinstance(dataset.schema, TableSchema)
    assert len(dataset.schema.columns[0].categories) == 150
    (finding,) = [item for item in dataset.findings.items if item.kind == "many-categories"]
    assert "150 categories: the 64 most frequent have an input each" in finding.message
    inputs = dataset.features(dataset.validation.samples.take(torch.arange(len(dataset.validation))))
    assert inputs.shape[1] == 1 + MAX_INPUTS + 1 + 1
    agrees = (inputs[:, -1] > 0) == (dataset.validation.targets == dataset.classes.index("odd"))
    assert agrees.double().mean() > 0.95


def test_the_statistics_export():
    dataset = prepare(many_categories())
    raw = dataset.validation.samples.take(torch.arange(5))
    exported = torch.export.export(dataset.features, (raw,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    assert torch.equal(exported.module()(raw[:3]), dataset.features(raw[:3]))


def test_without_labels_the_rest_is_taken_together():
    dataset = prepare(many_categories().drop_columns(["label"]), DataOptions(task="clustering"))
    assert dataset.features(dataset.train.samples.take(torch.arange(3))).shape[1] == 1 + MAX_INPUTS + 1
    assert any("there is no label" in item.message for item in dataset.findings.items)
