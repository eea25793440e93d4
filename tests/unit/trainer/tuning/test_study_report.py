"""The report of a search: one page that opens offline, with its figures as files."""

import re
from pathlib import Path

import numpy as np
import pytest
from digits_runs import digit_splits
from PIL import Image

from naiad.trainer.tune import tune
from naiad.trainer.tuning.watcher import SilentWatcher


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies") / "study"
    space = {"lr": "log:1e-4:0.1", "activation": "relu,gelu", "momentum": "0.8:0.99 if activation=relu"}
    options = {"trials": 12, "epochs": 4, "parallel": 1, "memory": False, "watcher": SilentWatcher()}
    return tune("mlp", digit_splits(), space, out=folder, plan={"optimizer": "sgd"}, **options)


def test_the_page_has_all_trials_and_the_verdict(tuned):
    page = tuned.report.read_text(encoding="utf-8")
    assert tuned.verdict.text in page
    rows = re.findall(r"<tr[^>]*><td>(\d+)</td><td>(complete|paused|failed|stopped)</td>", page)
    assert [int(number) for number, _ in rows] == [trial.number for trial in tuned.trials]
    assert f'<tr class="model"><td>{tuned.chosen.number}</td>' in page
    assert "momentum" in page
    assert "Chosen trial and trial 0" in page


def test_the_page_needs_no_network(tuned):
    page = tuned.report.read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "<script" not in page


def test_the_figures_are_files(tuned):
    figures = sorted(path.name for path in (tuned.path / "report").glob("*.png"))
    assert figures == ["curves.png", "history.png", "importance.png", "parallel-coordinates.png"]
    for name in figures:
        pixels = np.asarray(Image.open(Path(tuned.path) / "report" / name).convert("L"))
        assert pixels.std() > 5  # something is drawn


def test_the_model_has_its_own_report(tuned):
    assert (tuned.path / "model" / "report.html").is_file()
    assert tuned.importance
    assert sum(tuned.importance.values()) == pytest.approx(1.0)
