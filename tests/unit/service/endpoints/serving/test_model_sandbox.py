"""Programs that run to their end with a model: what they print, and bombs, with control groups and without."""

import sys
from pathlib import Path

import pytest
from bombs import DISK_FILLERS, FORK, HELD, MEASURED, MEMORY_BOMBS, MEMORY_BYTES, MIB, TASKS, hold

from naiad.service.domain.errors import Invalid
from naiad.service.endpoints.serving import model_program
from naiad.service.endpoints.serving.model_sandbox import MODEL, ModelSandbox
from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.resource_guard import ResourceLimits, group_name
from naiad.service.walls.support import find_wall_support

LIMITS = ResourceLimits(MEMORY_BYTES, TASKS, 200 * MIB)
needs_namespaces = pytest.mark.skipif(not find_wall_support().has_namespaces, reason="namespaces are not allowed here")


@pytest.fixture(params=[HELD, MEASURED])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(request.param, monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "endpoints" / "e" / "1" / "v"
    for part in ("ml/code", "ml/model", "tmp", "work"):
        (folder / part).mkdir(parents=True)
    return folder


def run(state: Path, folder: Path, code: str, *words: str, timeout_s: float = 60) -> tuple[str, list[str]]:
    """Returns the output of a Python program, and the lines of the log. No control group is left."""
    lines: list[str] = []
    command = (sys.executable, "-c", code, *words)
    try:
        output = ModelSandbox(state).run(folder, command, {}, LIMITS, timeout_s=timeout_s, log=lines.append)
    finally:
        assert not ControlGroup.find(f"{group_name('model', state)}-*").folders
    return output, lines


def test_the_output_and_the_log(tmp_path: Path, folder: Path) -> None:
    code = "import os, sys; print(os.path.isdir(sys.argv[1])); print('to stderr', file=sys.stderr)"
    assert run(tmp_path, folder, code, MODEL) == ("True\n", ["True", "to stderr"])


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import time; time.sleep(600)", "took longer than 0.1 s"),
        ("raise SystemExit('no such package')", "failed: no such package"),
        ("raise SystemExit(3)", "failed: no output"),
    ],
)
def test_a_program_that_fails(tmp_path: Path, folder: Path, code: str, reason: str) -> None:
    timeout_s = 0.1 if "sleep" in code else 60
    with pytest.raises(Invalid, match=reason):
        run(tmp_path, folder, code, timeout_s=timeout_s)


def test_a_program_that_prints_without_end(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_program, "_MAX_OUTPUT_BYTES", MIB)
    with pytest.raises(Invalid, match="it printed more than 1 MiB"):
        run(tmp_path, folder, "while True: print('x' * 1000)")


def test_the_reason_is_in_the_log(tmp_path: Path, folder: Path) -> None:
    lines: list[str] = []
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    with pytest.raises(Invalid) as ended:
        ModelSandbox(tmp_path).run(folder, command, {}, LIMITS, timeout_s=0.1, log=lines.append)
    assert lines == [str(ended.value)]


@needs_namespaces
@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("bomb", MEMORY_BOMBS)
def test_a_memory_bomb(tmp_path: Path, folder: Path, bomb: str) -> None:
    with pytest.raises(Invalid, match=r"was ended: out of memory: .* of the 0\.29 GiB that it was given"):
        run(tmp_path, folder, MEMORY_BOMBS[bomb])


@needs_namespaces
@pytest.mark.usefixtures("_way")
def test_a_fork_bomb(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(Invalid, match=f"was ended: too many processes: the program may have {TASKS}"):
        run(tmp_path, folder, FORK)


@needs_namespaces
@pytest.mark.parametrize("filler", DISK_FILLERS)
def test_a_disk_filler(tmp_path: Path, folder: Path, filler: str) -> None:
    with pytest.raises(Invalid, match="was ended: disk full: the program wrote "):
        run(tmp_path, folder, DISK_FILLERS[filler])
