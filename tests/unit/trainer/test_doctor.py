from pathlib import Path

import pytest

from naiad.trainer.doctor import CheckState, run_checks


def test_the_machine_is_described(tmp_path: Path) -> None:
    checks = {check.topic: check for check in run_checks(tmp_path)}
    assert {"python", "torch", "torchvision", "cores", "bf16", "gpu", "memory", "disk", "data: fashion-mnist"} <= set(
        checks
    )
    assert checks["torch"].state is CheckState.OK
    assert str(tmp_path) in checks["disk"].found


def test_a_missing_package_has_a_command_that_installs_it(tmp_path: Path) -> None:
    for check in run_checks(tmp_path):
        if check.topic in ("onnxruntime", "openvino", "pandas"):
            assert check.state is CheckState.OK or check.hint == f"pip install {check.topic}"


def test_data_is_found_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAIAD_CACHE", str(tmp_path))
    folder = tmp_path / "mnist"
    folder.mkdir()
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3]) + bytes(12))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1]) + bytes(4))
    checks = {check.topic: check for check in run_checks(tmp_path)}
    assert checks["data: mnist"].found == str(folder)
    assert checks["data: cifar10"].state is CheckState.ABSENT


def test_checks_are_json(tmp_path: Path) -> None:
    check = next(iter(run_checks(tmp_path)))
    assert check.to_json() == {"topic": "python", "state": "ok", "found": check.found, "hint": None}
