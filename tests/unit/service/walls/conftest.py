"""A sandbox as an instance of a job has it, and a way to run programs in it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.sandbox import Sandbox, SandboxOptions, make_sandbox
from naiad.service.walls.start import start_program

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The server's folder, with a secret."""
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "keys.json").write_text("secret")
    return folder


@pytest.fixture
def make(state: Path) -> Callable[..., Sandbox]:
    """``make(**options)`` returns a sandbox; the test is skipped where namespaces are not allowed."""

    def make_one(*, run_as_root: bool = False) -> Sandbox:
        folder = state / "jobs" / "training-job" / "one" / "1" / "algo-1"
        for name in ("ml/code", "tmp", "work"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        sandbox = make_sandbox(folder, state, SandboxOptions("algo-1", ["algo-1", "algo-2"], run_as_root))
        if not sandbox.is_isolated:
            pytest.skip("namespaces are not allowed here")
        return sandbox

    return make_one


@pytest.fixture
def sandbox(make: Callable[..., Sandbox]) -> Sandbox:
    return make()


@pytest.fixture
def run() -> Run:
    """``run(sandbox, *words, **variables)`` runs words in the place of a job's program, in a control group if one is given."""

    def run_one(
        sandbox: Sandbox, *words: str, group: ControlGroup | None = None, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        request = sandbox.request(words, variables, group=group)
        process = start_program(request, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, out.decode(), err.decode())

    return run_one
