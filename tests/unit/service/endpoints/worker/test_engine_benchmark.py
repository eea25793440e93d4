"""Tests of the program that a deployment runs, and of what it measures."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from naiad.service.endpoints.worker.artifact import open_artifact
from naiad.service.endpoints.worker.engine_benchmark import measure_engine
from naiad.service.endpoints.worker.engine_table import add_row, format_table, make_table
from naiad.service.endpoints.worker.engines.loader import available_engines
from naiad.trainer.artifact import folder


def run(artifact: Path, *options: str, is_ok: bool = True) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "naiad.service.endpoints.worker.engine_benchmark", str(artifact), *options]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=is_ok)


def test_engines_of_a_real_artifact(artifact: Path):
    table = json.loads(run(artifact).stdout)
    assert [row["engine"] for row in table["rows"]] == available_engines(open_artifact(artifact))
    assert all(row["agrees"] and not row["error"] for row in table["rows"])
    assert table["chosen"] in ("onnxruntime", "openvino", "openvino-bf16")
    lines = format_table(table)
    assert len(lines) == len(table["rows"]) + 1
    assert lines[-1].startswith(f"engine chosen: {table['chosen']}")


def test_slow_engines_are_skipped_and_measured_later(artifact: Path):
    table = json.loads(run(artifact, "--skip-slow").stdout)
    assert (table["unmeasured"], "torch" in [row["engine"] for row in table["rows"]]) == (["torch"], False)
    complete = add_row(table, json.loads(run(artifact, "--engine", "torch").stdout))
    assert (complete["unmeasured"], complete["rows"][-1]["agrees"], complete["chosen"]) == ([], True, table["chosen"])


def test_a_folder_that_is_not_an_artifact(tmp_path: Path):
    failed = run(tmp_path, is_ok=False)
    assert failed.returncode == 1
    assert "is no artifact" in failed.stderr


@pytest.mark.parametrize("engine", ["onnxruntime", "torch"])
def test_an_engine_that_cannot_load_the_artifact_is_a_row(artifact: Path, engine: str, tmp_path: Path):
    """The file of the engine has the right digest, but is not a program."""
    opened = folder.open_artifact_folder(artifact)
    corrupted = {"onnxruntime": "model.onnx", "torch": "program.pt2"}[engine]
    with folder.replace_artifact(tmp_path / "corrupted") as partial:
        folder.copy_files(opened, partial)
        (partial / corrupted).write_bytes(b"not a program")
        folder.commit(
            tmp_path / "corrupted", {key: value for key, value in opened.values.items() if key != "files"}, is_own=True
        )
    served = open_artifact(tmp_path / "corrupted")
    measurements = [measure_engine(one, served, threads=1, wait_turn=lambda: None) for one in available_engines(served)]
    table = make_table(measurements, unmeasured=[])
    rows = {row["engine"]: row for row in table["rows"]}
    assert rows[engine]["error"]
    assert table["chosen"] not in (engine, None)
