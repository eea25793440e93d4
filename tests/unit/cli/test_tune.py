"""``naiad tune``: its lines, its JSON, its errors, its table."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from naiad.cli.main import main
from naiad.trainer.tuning.objective import Objective
from naiad.trainer.tuning.table_watcher import TableWatcher
from naiad.trainer.tuning.trial import Direction, Trial, TrialState
from naiad.trainer.tuning.watcher import SearchOutline

FAST = ["--epochs", "2", "--trials", "3", "--no-report", "--no-memory", "--parallel", "1"]


def test_a_search_prints_its_trials_and_its_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "study")
    assert main(["tune", "mlp", "digits", "--space", "lr=log:1e-3:0.1", "--out", out, *FAST]) == 0
    shown = capsys.readouterr()
    assert "trial 002 |" in shown.err
    assert "space: lr" in shown.err
    assert shown.out.split()[0] == "chosen"
    assert "test       accuracy" in shown.out
    assert main(["tune", "mlp", "digits", "--space", "lr=log:1e-3:0.1", "--out", out, *FAST]) == 2
    assert "holds a search already" in capsys.readouterr().err


def test_json_has_all_trials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "tune",
        "mlp",
        "digits",
        "--space",
        "activation=relu,gelu",
        "--json",
        "--out",
        str(tmp_path / "s"),
        *FAST,
    ]
    assert main(command) == 0
    values = json.loads(capsys.readouterr().out)
    assert len([trial for trial in values["trials"] if trial["repeat_of"] is None]) >= 2
    assert values["epochs_trained_twice"] == 0
    assert main([*command, "--resume"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--space", "learning_rat=0:1.0"], "did you mean 'learning_rate'"),
        (["--space", "lr"], "--space takes name=range"),
        (["--space", "lr=log:0:1"], "logarithmic scale, which begins above 0"),
        (["--space", "optimizer=sgd,adam"], "adam"),
        (["--constraint", "f(x)"], "no comparison"),
        (["--search", "magic"], "'magic' is not known"),
        (["--resume"], "--resume needs the folder"),
        (["--time-limit", "soon"], "is not a duration"),
    ],
)
def test_what_cannot_be_used_is_told(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["tune", "mlp", "digits", *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_table_shows_the_best_trials_first() -> None:
    stream = io.StringIO()
    watcher = TableWatcher(Console(file=stream, force_terminal=True, width=120, color_system=None))
    objective = Objective("accuracy", Direction.MAXIMIZE)
    watcher.start(SearchOutline({"lr": "0.1 to 1 (log)"}, objective, 9, (1, 3), 30, 2, "gp", {"lr": 0.1, "depth": 2}))
    for number, score in ((0, 0.7), (1, 0.9), (2, 0.8)):
        values = {"lr": 0.1 * (number + 1), "depth": 2}
        watcher.change(Trial(number, values, TrialState.COMPLETE, score, ((9, score),)))
    watcher.change(Trial(3, {"lr": 0.2}, TrialState.FAILED, reason="the loss is \x1b[31mnot finite"))
    watcher.expect(0.001)
    watcher.change(Trial(4, {"lr": 0.3}))
    watcher.close()
    last = stream.getvalue().rsplit("state", 1)[1]
    order = [last.index(text) for text in ("running", "0.9000", "0.8000", "0.7000", "failed")]
    assert order == sorted(order)
    assert "best accuracy 0.9000 | 5 of 30 trials | another minute is expected to gain 0.001" in last
    assert "\x1b[31m" not in last
    assert "the untuned plan" in last
    assert "lr 0.3" in last
    assert "depth" not in last, "it is as in trial 0"
