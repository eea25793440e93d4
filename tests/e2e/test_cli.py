"""The commands in the order in which a user meets them: inspect, train, test, predict, on images and on a table."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from naiad.cli.main import main

Capture = pytest.CaptureFixture[str]


def json_of(arguments: list[str], capsys: Capture):
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_train_writes_all_files_of_a_run(trained: Path) -> None:
    run = trained / "run"
    for name in (
        "naiad.json",
        "model.safetensors",
        "program.pt2",
        "samples.safetensors",
        "report.html",
        "metrics.jsonl",
    ):
        assert (run / name).is_file(), name
    assert len((run / "metrics.jsonl").read_text().splitlines()) >= 2
    assert list((run / "checkpoints").glob("step-*"))


def test_inspect_counts_the_classes(photos: Path, capsys: Capture) -> None:
    inspection = json_of(["inspect", str(photos)], capsys)
    assert inspection["classes"]["train"] == {"cat": 20, "dog": 20}
    assert inspection["task"] == "classification"
    assert inspection["problems"] == []
    assert main(["inspect", str(photos)]) == 0
    assert "splits   train 40" in capsys.readouterr().out


def test_inspect_prints_findings(photos: Path, capsys: Capture) -> None:
    (photos / "cat" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n but no more")
    assert main(["inspect", str(photos)]) == 0
    out = capsys.readouterr().out
    assert "quarantined" in out
    assert "broken.png" in out


def test_test_prints_metrics_by_class(trained: Path, capsys: Capture) -> None:
    evaluation = json_of(["test", str(trained / "run"), str(trained / "photos")], capsys)
    assert evaluation["samples"] == 40
    assert {score["name"] for score in evaluation["per_class"]} == {"cat", "dog"}
    assert main(["test", str(trained / "run"), str(trained / "photos")]) == 0
    assert "accuracy" in capsys.readouterr().out


def test_predict_images(trained: Path, capsys: Capture) -> None:
    files = [str(trained / "photos" / "cat" / "0.png"), str(trained / "photos" / "dog" / "1.png")]
    rows = json_of(["predict", str(trained / "run"), *files], capsys)
    assert [row["name"] for row in rows] == files
    assert all(row["label"] in ("cat", "dog") for row in rows)
    assert all(sum(row["scores"].values()) == pytest.approx(1.0, abs=1e-4) for row in rows)
    assert main(["predict", str(trained / "run"), *files]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == files


def test_a_table_from_train_to_predict(tmp_path: Path, capsys: Capture) -> None:
    table = tmp_path / "things.csv"
    rows = [f"{row % 2 * 3 + row / 100:.2f},{('red', 'blue')[row % 2]},{('low', 'high')[row % 2]}" for row in range(80)]
    table.write_text("\n".join(["width,colour,kind", *rows]) + "\n")
    out = tmp_path / "run"
    result = json_of(["train", "auto", str(table), "--label", "kind", "--epochs", "3", "--out", str(out)], capsys)
    assert result["classes"] == ["high", "low"]
    assert result["artifact"] == str(out)
    predicted = json_of(["predict", str(out), str(table)], capsys)
    assert len(predicted) == 80
    assert predicted[0]["name"] == "row 0"
    assert json_of(["test", str(out), str(table)], capsys)["samples"] == 80


def test_a_network_file_of_the_user(photos: Path, tmp_path: Path, capsys: Capture) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from torch import nn\n\n\nclass Mine(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(64, 2))\n"
    )
    out = tmp_path / "run"
    arguments = ["train", f"{mine}:Mine", str(photos), "--epochs", "1", "--no-report", "--out", str(out)]
    assert json_of(arguments, capsys)["network"] == "Mine"
    assert (out / "network.py").read_text() == mine.read_text()
    assert not (out / "report.html").exists()
    assert main(["predict", str(out), str(photos / "cat" / "0.png")]) == 0


@pytest.mark.usefixtures("no_export")
def test_resume_of_a_finished_run_changes_nothing(trained: Path) -> None:
    weights = (trained / "run" / "model.safetensors").read_bytes()
    arguments = ["train", "mlp", str(trained / "photos"), "--out", str(trained / "run"), "--resume"]
    assert main(arguments) == 0
    assert (trained / "run" / "model.safetensors").read_bytes() == weights


def test_sigterm_ends_with_a_checkpoint_and_a_command_to_continue(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    fast = ["--epochs", "100000", "--no-report", "--set", "optimizer=sgd", "--set", "measure_fraction=0"]
    arguments = ["train", "mlp", str(photos), *fast, "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "naiad.cli", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert any(line.startswith("epoch 001") for line in process.stderr)  # reads until the first epoch has ended
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "stopped by SIGTERM at step" in errors
    assert f"hint: to continue: naiad train mlp {photos} --out {out} --resume" in errors
    assert len(list((out / "checkpoints").glob("step-*"))) >= 1


def test_nets_lists_the_networks_of_the_guide(capsys: Capture) -> None:
    names = [entry["name"] for entry in json_of(["nets"], capsys)]
    assert {"simplenet", "net", "mlp"} <= set(names)
    assert main(["nets"]) == 0
    assert "simplenet" in capsys.readouterr().out


def test_doctor(capsys: Capture) -> None:
    assert {"python", "torch", "cores"} <= {line["topic"] for line in json_of(["doctor"], capsys)}
    assert main(["doctor"]) == 0
    assert "torch" in capsys.readouterr().out


def test_names_of_files_and_folders_have_no_effect_on_a_terminal(photos: Path, capsys: Capture) -> None:
    (photos / "cat").rename(photos / "cat\x1b[2K\u202e")
    (photos / "dog" / "x\x1b]0;owned\x07\nsplits   train 9.png").write_bytes(b"\x89PNG\r\n\x1a\n but no more")
    assert main(["inspect", str(photos)]) == 0
    shown = capsys.readouterr().out
    assert r"cat\x1b[2K\u202e" in shown
    assert "\nsplits   train 9" not in shown
    assert all(line.isprintable() for line in shown.splitlines())
