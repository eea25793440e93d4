import json
import subprocess
import sys
from pathlib import Path

import pytest

from naiad.service.endpoints.worker.artifact import open_artifact
from naiad.service.endpoints.worker.engine_benchmark import (
    Row,
    choose,
    row_of_failure,
    table_lines,
    table_of,
    with_row,
    write_table,
)
from naiad.service.endpoints.worker.engines.loader import available_engines
from naiad.trainer.artifact import folder


def row(
    name: str, latency_us: float, *, agrees: bool = True, memory_mb: float = 100, rates: tuple[float, ...] = (1, 5, 9)
) -> Row:
    return Row(name, agrees=agrees, latency_us=latency_us, samples_per_s=rates, memory_mb=memory_mb, difference=0.5)


def test_the_fastest_that_agrees():
    choice = choose([row("a", 10, agrees=False), row("b", 30), row("c", 20)])
    assert (choice.chosen, choice.most_samples) == ("c", 32)


def test_of_two_that_are_as_fast_the_smaller():
    assert choose([row("a", 20, memory_mb=500), row("b", 20.5, memory_mb=60)]).chosen == "b"
    assert choose([row("a", 20, memory_mb=500), row("b", 22, memory_mb=60)]).chosen == "a"


def test_no_larger_batch_than_helps():
    assert choose([row("a", 20, rates=(95, 100, 98))]).most_samples == 1
    assert choose([row("a", 20, rates=(50, 95, 100))]).most_samples == 8


def test_none_that_agrees():
    choice = choose([row("a", 10, agrees=False), Row("b", error="it broke")])
    assert choice.chosen is None
    assert "a: differs by 0.5; b: it broke" in choice.reason


def test_a_real_artifact_and_one_engine_that_is_spoilt(artifact: Path, tmp_path: Path):
    words = [sys.executable, "-m", "naiad.service.endpoints.worker.engine_benchmark", str(artifact)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    table = json.loads(said)
    assert [one["engine"] for one in table["rows"]] == available_engines(open_artifact(artifact))
    assert all(one["agrees"] and not one["error"] for one in table["rows"])
    assert table["chosen"] in ("onnxruntime", "openvino", "openvino-bf16")
    lines = table_lines(table)
    assert len(lines) == len(table["rows"]) + 1
    assert lines[-1].startswith(f"engine chosen: {table['chosen']}")
    write_table(tmp_path, table)
    assert json.loads((tmp_path / "engines.json").read_text()) == table


def test_in_haste_torch_is_measured_later(artifact: Path):
    words = [sys.executable, "-m", "naiad.service.endpoints.worker.engine_benchmark", str(artifact)]
    hasty = [*words, "--hasty", "yes"]
    table = json.loads(subprocess.run(hasty, capture_output=True, text=True, check=True).stdout)
    assert (table["unmeasured"], "torch" in [one["engine"] for one in table["rows"]]) == (["torch"], False)
    assert "engine torch          is measured when replicas answer: another engine agrees already" in table_lines(table)
    alone = subprocess.run([*words, "--engine", "torch"], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    whole = with_row(table, json.loads(alone.stdout))
    assert (whole["unmeasured"], whole["rows"][-1]["agrees"], whole["chosen"]) == ([], True, table["chosen"])


def test_a_failure_is_a_row_too():
    table = with_row(table_of([row("onnxruntime", 10)], ["torch"]), row_of_failure("torch", "took longer than 120 s"))
    assert "engine torch          took longer than 120 s" in table_lines(table)


def test_what_is_no_artifact(tmp_path: Path):
    words = [sys.executable, "-m", "naiad.service.endpoints.worker.engine_benchmark", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is no artifact" in done.stderr


@pytest.mark.parametrize("engine", ["onnxruntime", "torch"])
def test_an_engine_that_fails_is_a_row(artifact: Path, engine: str, tmp_path: Path):
    """An ONNX file that is whole by its digest and no ONNX."""

    opened = folder.open_folder(artifact)
    spoilt = {"onnxruntime": "model.onnx", "torch": "program.pt2"}[engine]
    with folder.replacing(tmp_path / "spoilt") as partial:
        folder.copy_files(opened, partial)
        (partial / spoilt).write_bytes(b"nothing of the kind")
        folder.commit(tmp_path / "spoilt", {key: value for key, value in opened.values.items() if key != "files"})
    words = [sys.executable, "-m", "naiad.service.endpoints.worker.engine_benchmark", str(tmp_path / "spoilt")]
    table = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    rows = {one["engine"]: one for one in table["rows"]}
    assert rows[engine]["error"]
    assert table["chosen"] not in (engine, None)
