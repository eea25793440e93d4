import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from naiad.service.walls import sandbox as sandbox_module
from naiad.service.walls.launch_request import Walls
from naiad.service.walls.sandbox import Sandbox, SandboxOptions, make_sandbox
from naiad.service.walls.support import WallSupport

Run = Callable[..., Any]

SHOW = "import json, os; print(json.dumps([dict(os.environ), os.getcwd(), os.uname().nodename]))"


def test_the_program_has_its_own_variables_and_no_others(sandbox: Sandbox, run: Run) -> None:
    variables = {"PATH": "/nowhere", "UID": "7", "OPTIND": "x", "TEXT": "a\n'b' \"$c\" =", "EMPTY": ""}
    environment, cwd, host = json.loads(run(sandbox, sys.executable, "-c", SHOW, **variables).stdout)
    assert {name: value for name, value in environment.items() if name != "LC_CTYPE"} == variables
    assert (cwd, host) == ("/opt/ml/code", "algo-1")


@pytest.mark.parametrize("name", ["unshare", "sh", "mount", "hostname", "mkdir"])
def test_the_path_of_a_job_does_not_choose_the_tools_that_make_the_sandbox(
    sandbox: Sandbox, run: Run, name: str
) -> None:
    own = sandbox.ml / "code" / name
    own.write_text("#!/bin/sh\necho stolen\n")
    own.chmod(0o755)
    done = run(sandbox, "/bin/echo", "ran", PATH=f".:{own.parent}:/usr/bin:/bin")
    assert (done.stdout, done.stderr) == ("ran\n", "")


def test_a_preloaded_library_is_loaded_by_the_program_only(sandbox: Sandbox, run: Run) -> None:
    lines = run(sandbox, "/bin/true", LD_PRELOAD="./none.so").stderr.splitlines()
    assert len(lines) == 1, lines
    assert "./none.so" in lines[0]


def test_the_program_does_not_see_the_servers_folder(sandbox: Sandbox, run: Run) -> None:
    state = sandbox.ml.parents[5]
    assert (state / "keys.json").is_file()
    assert run(sandbox, "/bin/cat", str(state / "keys.json")).returncode == 1


@pytest.mark.parametrize(
    ("words", "status", "stderr"),
    [
        (["/bin/sh", "-c", "exit 7"], 7, ""),
        (["/bin/sh", "-c", "kill -9 $$"], 137, ""),
        (["/no/such"], 127, "naiad: /no/such: No such file or directory\n"),
        (["nowhere"], 127, "naiad: nowhere: No such file or directory\n"),
        (["/etc/hosts"], 126, "naiad: /etc/hosts: Permission denied\n"),
    ],
)
def test_the_exit_status_of_the_program_is_passed_on(
    sandbox: Sandbox, run: Run, words: list[str], status: int, stderr: str
) -> None:
    done = run(sandbox, *words, PATH="/usr/bin:/bin")
    assert (done.returncode, done.stderr) == (status, stderr)


def test_a_closed_pipe_ends_a_program_as_usual(sandbox: Sandbox, run: Run) -> None:
    done = run(sandbox, "sh", "-c", "yes 2>&1 | head -n 1", PATH="/usr/bin:/bin")
    assert (done.returncode, done.stdout, done.stderr) == (0, "y\n", "")


def test_without_namespaces_the_program_is_started_directly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sandbox_module,
        "find_wall_support",
        lambda: WallSupport(has_namespaces=False, user_id=None, gaps=("open",)),
    )
    sandbox = make_sandbox(tmp_path, tmp_path, SandboxOptions("algo-1", ["algo-1"]))
    assert not sandbox.is_isolated
    assert sandbox.root == sandbox.ml == tmp_path / "ml"
    assert (sandbox.walls, sandbox.gaps) == (Walls(view=None), ("open",))
