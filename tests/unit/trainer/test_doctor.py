from pathlib import Path

import pytest

from naiad.trainer.doctor import State, examine


def test_says_what_is_here(tmp_path: Path) -> None:
    lines = {line.topic: line for line in examine(tmp_path)}
    assert {"python", "torch", "torchvision", "cores", "bf16", "gpu", "memory", "disk", "data: fashion-mnist"} <= set(
        lines
    )
    assert lines["torch"].state is State.OK
    assert str(tmp_path) in lines["disk"].found


def test_what_is_absent_and_can_be_installed_says_how(tmp_path: Path) -> None:
    for line in examine(tmp_path):
        if line.topic in ("onnxruntime", "openvino", "pandas"):
            assert line.state is State.OK or line.hint == f"pip install {line.topic}"


def test_finds_data_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAIAD_CACHE", str(tmp_path))
    folder = tmp_path / "mnist"
    folder.mkdir()
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3]) + bytes(12))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1]) + bytes(4))
    lines = {line.topic: line for line in examine(tmp_path)}
    assert lines["data: mnist"].found == str(folder)
    assert lines["data: cifar10"].state is State.ABSENT


def test_lines_are_json(tmp_path: Path) -> None:
    line = next(iter(examine(tmp_path)))
    assert line.to_json() == {"topic": "python", "state": "ok", "found": line.found, "hint": None}
