"""The end of a run: evaluations, quarantine.csv, the report and the calibration."""

import csv

import numpy as np
import pytest

from naiad.trainer.fit import fit
from naiad.trainer.loop.progress import SilentProgress


@pytest.fixture
def table(tmp_path):
    """A table whose label is missing in two rows."""
    rows = [f"{index % 7}.5,{index % 5},{'' if index in (4, 9) else 'ab'[index % 2]}" for index in range(60)]
    file = tmp_path / "table.csv"
    file.write_text("\n".join(["x,z,kind", *rows]) + "\n")
    return file


@pytest.mark.usefixtures("no_export")
def test_quarantined_samples_are_listed(table, tmp_path):
    fit("mlp", table, label="kind", epochs=1, out=tmp_path / "run", report=False, progress=SilentProgress())
    with (tmp_path / "run" / "quarantine.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["kind"]) for row in rows] == [("row 4", "missing-label"), ("row 9", "missing-label")]


@pytest.mark.usefixtures("no_export")
def test_a_report_and_its_baseline_can_be_left_out(table, tmp_path):
    without_report = fit(
        "mlp", table, label="kind", epochs=1, out=tmp_path / "a", report=False, progress=SilentProgress()
    )
    assert without_report.baseline == {}
    assert not (tmp_path / "a" / "report.html").exists()
    with_report = fit("mlp", table, label="kind", epochs=1, out=tmp_path / "b", progress=SilentProgress())
    assert {row["name"] for row in with_report.baseline["rows"]} == {"majority class", "logistic regression"}
    assert "quarantine" in (tmp_path / "b" / "report.html").read_text()


def test_both_splits_are_evaluated():
    X, y = np.random.default_rng(0).random((60, 3), dtype=np.float32), np.arange(60) % 2
    data = {"train": (X, y), "validation": (X[:10] + 1, y[:10]), "test": (X[:7] + 2, y[:7])}
    model = fit("mlp", data, epochs=1, report=False, progress=SilentProgress())
    assert {name: evaluation["samples"] for name, evaluation in model.evaluations.items()} == {
        "validation": 10,
        "test": 7,
    }


def test_calibration_changes_the_probabilities_only():
    generator = np.random.default_rng(0)
    X = generator.random((400, 3), dtype=np.float32)
    y = ((X[:, 0] > 0.5) ^ (generator.random(400) < 0.2)).astype(np.int64)
    data = {"train": (X[:200], y[:200]), "validation": (X[200:], y[200:])}
    raw, calibrated = (
        fit(
            "mlp",
            data,
            epochs=60,
            plan={"calibrate": calibrate, "weight_decay": 0.01},
            report=False,
            progress=SilentProgress(),
        )
        for calibrate in ("off", "on")
    )
    before, after = (model.evaluations["validation"] for model in (raw, calibrated))
    assert after["loss"] < before["loss"] - 0.01
    assert after["metrics"] == before["metrics"]
    assert calibrated.evaluate((X[200:], y[200:])).loss == pytest.approx(after["loss"], rel=1e-4)


@pytest.mark.usefixtures("no_export")
def test_a_linear_model_that_validates_better_is_named(tmp_path):
    notes = []

    class Notes(SilentProgress):
        def note(self, text):
            notes.append(text)

    X = np.random.default_rng(0).random((200, 3), dtype=np.float32)
    options = {"epochs": 1, "plan": {"learning_rate": 1e-6}, "progress": Notes()}
    model = fit("mlp", (X, 3 * X[:, 0] - X[:, 1] / 3), out=tmp_path / "run", **options)
    better = model.baseline["better_method"]
    assert better.startswith("ridge regression validates better than the network: r2")
    assert better in notes
    assert better in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_noise_as_target_is_predicted_no_worse_than_by_the_trivial_model(task):
    generator = np.random.default_rng(1)
    X, y = generator.random((240, 8), dtype=np.float32), generator.exponential(size=240)
    targets = y if task == "regression" else (y > 1.5).astype(np.int64)
    raw, model = (
        fit(None, (X, targets), task=task, plan={"calibrate": calibrate}, report=False, progress=SilentProgress())
        for calibrate in ("off", "on")
    )
    assert model.network.name == "table"
    if task == "regression":
        assert model.program.head.std < raw.program.head.std / 2, "predictions are close to the mean"
    else:
        validation = model.evaluations["validation"]
        majority = max(score["support"] for score in validation["per_class"]) / validation["samples"]
        assert validation["metrics"]["accuracy"] >= majority
