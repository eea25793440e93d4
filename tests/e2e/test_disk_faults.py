"""Writes that fail, one of a server's or of a training's at a time: it starts, keeps what it acknowledged, and goes on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import write_faults

SUPPORT = Path(write_faults.__file__).parent

pytestmark = pytest.mark.skipif(write_faults.compiler() is None, reason="needs a C compiler: the faults are in C")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_faults.compile_shim(tmp_path_factory.mktemp("write-faults"))


def run(library: Path, folder: Path, program: str, *options: str) -> list[dict[str, Any]]:
    """Returns what the program found for each write, without the first run, in which none failed."""
    control, state = folder / "control", folder / "state"
    state.mkdir()
    write_faults.WriteFaults.make(control).close()
    environment = write_faults.environment(library, control) | {"PYTHONPATH": str(SUPPORT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SUPPORT / program), str(state), *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    counted, *found = [json.loads(line) for line in done.stdout.splitlines()]
    assert counted["count"] > 100
    assert counted["problems"] == []
    assert all(one["write"] for one in found[:-1]), "each run has met its fault"
    return found


@pytest.mark.slow
def test_a_server_starts_and_reads_on_a_disk_that_takes_nothing(library: Path, tmp_path: Path) -> None:
    (found,) = run(library, tmp_path, "faulty_server.py", "--sticky", "--at", "1")
    assert found["problems"] == []
    assert found["refused"] >= 4, "both puts, the parts and the experiment could not be written"


@pytest.mark.slow
@pytest.mark.parametrize("number", write_faults.ERRNOS)
def test_no_failed_write_loses_what_the_server_acknowledged(library: Path, tmp_path: Path, number: str) -> None:
    found = run(library, tmp_path, "faulty_server.py", "--errno", number, "--step", "25")
    assert [one for one in found if one["problems"]] == []


@pytest.mark.slow
@pytest.mark.parametrize("number", write_faults.ERRNOS)
def test_a_training_whose_write_fails_is_resumed_exactly(library: Path, tmp_path: Path, number: str) -> None:
    found = run(library, tmp_path, "faulty_training.py", "--errno", number, "--step", "30")
    assert [one for one in found if one["problems"]] == []
