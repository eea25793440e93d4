"""Bad input: one clear message (what, what was given, what to do), exit status 2, and nothing half-written."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from naiad.cli.main import main

Capture = pytest.CaptureFixture[str]
Prepare = Callable[[Path], list[str]]
"""Makes the bad input under a folder; returns the arguments without ``--out``."""


def images(folder: Path, classes: tuple[str, ...], *, size: int = 8, count: int = 12) -> Path:
    random = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for index in range(count):
            pixels = random.integers(0, 255, (size, size), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder


def file(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def net_file(home: Path, body: str, name: str = "Mine") -> str:
    return f"{file(home / 'mine.py', 'from torch import nn' + chr(10) * 3 + body)}:{name}"


def flat_net(inputs: int, outputs: int) -> str:
    return (
        "class Mine(nn.Sequential):\n    def __init__(self):\n"
        f"        super().__init__(nn.Flatten(), nn.Linear({inputs}, {outputs}))\n"
    )


def empty_folder(home: Path) -> list[str]:
    (home / "empty").mkdir()
    return ["train", "mlp", str(home / "empty")]


def one_class_table(home: Path) -> list[str]:
    rows = "\n".join(f"{row},yes" for row in range(40))
    return ["train", "mlp", str(file(home / "one.csv", f"width,kind\n{rows}\n")), "--label", "kind"]


def no_such_column(home: Path) -> list[str]:
    rows = "\n".join(f"{row},{'yes' if row % 2 else 'no'}" for row in range(40))
    return ["train", "mlp", str(file(home / "two.csv", f"width,kind\n{rows}\n")), "--label", "kint"]


def labels_out_of_range(home: Path) -> list[str]:
    """Writes labels up to 11, where Fashion-MNIST has ten classes."""
    folder = home / "cache" / "fashion-mnist"
    folder.mkdir(parents=True)
    for part in ("train", "t10k"):
        pixels = np.random.default_rng(0).integers(0, 255, (40, 28, 28), dtype=np.uint8)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(
            b"\0\0\x08\3" + np.array([40, 28, 28], ">i4").tobytes() + pixels.tobytes()
        )
        labels = (np.arange(40) % 12).astype(np.uint8)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(
            b"\0\0\x08\1" + np.array([40], ">i4").tobytes() + labels.tobytes()
        )
    return ["train", "simplenet", "fashion-mnist"]


CASES: dict[str, tuple[Prepare, list[str]]] = {
    "missing path": (lambda home: ["train", "mlp", str(home / "nowhere")], ["nowhere", "does not exist", "hint:"]),
    "a name nearly right": (lambda _: ["train", "mlp", "fashion-mnits"], ["does not exist", "fashion-mnist"]),
    "empty folder": (empty_folder, ["empty", "hint:"]),
    "one class only": (lambda home: ["train", "mlp", str(images(home / "photos", ("cat",)))], ["class", "cat"]),
    "one class only, in a table": (one_class_table, ["class", "yes"]),
    "no such column": (no_such_column, ["kint", "kind"]),
    "labels out of range": (labels_out_of_range, ["labels out of range", "10, 11", "10 in all"]),
    "output does not match the classes": (
        lambda home: ["train", net_file(home, flat_net(64, 5)), str(images(home / "photos", ("cat", "dog")))],
        ["5", "2"],
    ),
    "input does not match the data": (
        lambda home: ["train", "simplenet", str(images(home / "photos", ("cat", "dog"), size=20))],
        ["(1, 28, 28)", "(1, 20, 20)", "--image-size 28"],
    ),
    "input of an own network does not match the data": (
        lambda home: ["train", net_file(home, flat_net(100, 2)), str(images(home / "photos", ("cat", "dog")))],
        ["100", "(B, 1, 8, 8)"],
    ),
    "a file that is no network": (
        lambda home: ["train", f"{file(home / 'notes.txt', 'milk')}:Mine", "iris"],
        ["notes.txt"],
    ),
    "a file with a syntax error": (lambda home: ["train", net_file(home, "class Mine(:\n"), "iris"], ["mine.py"]),
    "a class that is not there": (
        lambda home: ["train", net_file(home, flat_net(4, 3), name="Mein"), "iris"],
        ["Mein", "Mine"],
    ),
    "a class that is no network": (lambda home: ["train", net_file(home, "class Mine:\n    pass\n"), "iris"], ["Mine"]),
    "a missing file": (lambda home: ["train", f"{home / 'mine.py'}:Mine", "iris"], ["no network file", "mine.py"]),
    "no such network": (lambda _: ["train", "simplenot", "iris"], ["simplenot", "simplenet"]),
    "unknown option": (lambda _: ["train", "mlp", "iris", "--epoch", "3"], ["unknown option --epoch", "'--epochs'"]),
    "unknown choice of the plan": (
        lambda _: ["train", "mlp", "iris", "--set", "learningrate=1"],
        ["learningrate", "'learning_rate'"],
    ),
    "a choice out of its range": (lambda _: ["train", "mlp", "iris", "--set", "momentum=3"], ["momentum", "3"]),
    "no epochs": (lambda _: ["train", "mlp", "iris", "--epochs", "0"], ["epochs", "0"]),
    "no such task": (
        lambda _: ["train", "mlp", "iris", "--task", "clasification"],
        ["clasification", "classification"],
    ),
    "no time": (lambda _: ["train", "mlp", "iris", "--time-limit", "0s"], ["0s", "hint: write it as"]),
}


@pytest.mark.parametrize(("prepare", "phrases"), CASES.values(), ids=CASES.keys())
def test_training_is_refused(
    prepare: Prepare, phrases: list[str], tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAIAD_CACHE", str(tmp_path / "cache"))
    arguments = [*prepare(tmp_path), "--out", str(tmp_path / "run")]
    before = contents(tmp_path)
    assert_refused(arguments, phrases, capsys)
    assert contents(tmp_path) == before


def assert_refused(arguments: list[str], phrases: list[str], capsys: Capture) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    message = err[err.index("error: ") :]
    assert [phrase for phrase in phrases if phrase not in message] == [], message
    lines = message.splitlines()
    assert not lines[0].endswith(".")
    assert len(lines) == 1 or (lines[1] == "" and lines[2].startswith("hint: ")), message
    assert "Traceback" not in err


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts
    }


def test_an_unwritable_folder(tmp_path: Path, capsys: Capture) -> None:
    """The folder is below a regular file, where not even root can write."""
    file(tmp_path / "notes", "milk")
    before = contents(tmp_path)
    assert_refused(["train", "mlp", "iris", "--out", str(tmp_path / "notes" / "run")], ["notes", "hint:"], capsys)
    assert contents(tmp_path) == before


def test_a_folder_with_something_else_in_it(tmp_path: Path, capsys: Capture) -> None:
    file(tmp_path / "run" / "thesis.tex", "years of work")
    before = contents(tmp_path)
    run = str(tmp_path / "run")
    assert_refused(["train", "mlp", "iris", "--out", run], ["not empty", "name another one"], capsys)
    assert_refused(["demo", "--out", str(tmp_path / "run")], ["is no run", "--out"], capsys)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_a_flipped_bit_in_any_file_of_an_artifact(trained: Path, place: str, capsys: Capture) -> None:
    run, photo = trained / "run", str(trained / "photos" / "cat" / "0.png")
    listed = json.loads((run / "naiad.json").read_text())["files"]
    assert {"model.safetensors", "program.pt2", "report.html"} <= set(listed)
    for name in ["naiad.json", *listed]:
        restore = flip(run / name, place)
        assert_refused(["predict", str(run), photo], [Path(name).name], capsys)
        restore()
    assert main(["predict", str(run), photo]) == 0


@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_a_flipped_bit_in_a_run_file(trained: Path, place: str, capsys: Capture) -> None:
    run = trained / "run"
    flip(run / "run.json", place)
    before = contents(run)
    arguments = ["train", "mlp", str(trained / "photos"), "--out", str(run), "--resume"]
    assert_refused(arguments, ["is damaged", "run.json"], capsys)
    assert contents(run) == before


@pytest.mark.parametrize("place", ["start", "middle", "end"])
@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json", "manifest.json"])
def test_a_flipped_bit_in_any_file_of_a_checkpoint(trained: Path, name: str, place: str, capsys: Capture) -> None:
    """The run goes on from the checkpoint before it, and names the file."""
    run = trained / "run"
    newest = max((run / "checkpoints").glob("step-*"))
    flip(newest / name, place)
    assert main(["train", "mlp", str(trained / "photos"), "--out", str(run), "--resume"]) == 0
    shown = capsys.readouterr().err
    assert f"{newest / name} is damaged" in shown or f"{newest / name} cannot be read" in shown
    assert "going on from the checkpoint at step" in shown


def flip(path: Path, place: str) -> Callable[[], object]:
    """Flips one bit; returns a function that restores the file."""
    data = path.read_bytes()
    position = {"start": 0, "middle": len(data) // 2, "end": len(data) - 1}[place]
    changed = bytearray(data)
    changed[position] ^= 1
    path.write_bytes(changed)
    return lambda: path.write_bytes(data)


def test_a_missing_file_of_an_artifact(trained: Path, capsys: Capture) -> None:
    (trained / "run" / "model.safetensors").unlink()
    phrases = ["model.safetensors", "missing"]
    assert_refused(["test", str(trained / "run"), str(trained / "photos")], phrases, capsys)


def test_an_artifact_of_a_newer_format(trained: Path, capsys: Capture) -> None:
    path = trained / "run" / "naiad.json"
    values = json.loads(path.read_text())
    newer = values["format_version"] + 1
    path.write_text(json.dumps({**values, "format_version": newer}))
    phrases = [f"format {newer}", "newer", "hint: upgrade Naiad: git pull"]
    assert_refused(["predict", str(trained / "run"), str(trained / "photos" / "cat" / "0.png")], phrases, capsys)


def test_a_folder_that_is_no_artifact(photos: Path, capsys: Capture) -> None:
    assert_refused(["test", str(photos), str(photos)], ["is no artifact", "naiad.json"], capsys)
    assert_refused(["test", str(photos / "none"), str(photos)], ["does not exist"], capsys)


def test_files_that_a_model_cannot_take(trained: Path, tmp_path: Path, capsys: Capture) -> None:
    run = str(trained / "run")
    assert_refused(["predict", run, str(tmp_path / "none.png")], ["none.png", "does not exist"], capsys)
    assert_refused(["predict", run, str(trained / "photos")], ["is a folder"], capsys)
    assert_refused(["predict", run, str(file(tmp_path / "notes.png", "milk"))], ["notes.png"], capsys)


def test_a_resumed_run_must_be_the_same_run(trained: Path, capsys: Capture) -> None:
    common = ["--out", str(trained / "run"), "--resume"]
    assert_refused(["train", "mlp", "iris", *common], ["data differs", "hint:"], capsys)
    changed = ["train", "mlp", str(trained / "photos"), "--set", "momentum=0.5", *common]
    assert_refused(changed, ["momentum was 0.9", "given 0.5"], capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-m", "naiad.cli", "predict", "run", "nowhere"], "error: nowhere does not exist"),
        (["-m", "naiad.cli", "trian"], "error: unknown command 'trian'\n\nhint: did you mean 'train'?"),
    ],
)
def test_the_command_in_a_process_of_its_own(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
