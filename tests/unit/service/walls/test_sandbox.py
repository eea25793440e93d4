import json
import subprocess
import sys
from pathlib import Path

import pytest

from naiad.service.walls.sandbox import Sandbox, make_sandbox

SHOW = "import json, os; print(json.dumps([dict(os.environ), os.getcwd(), os.uname().nodename]))"


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    folder = tmp_path / "state" / "jobs" / "training-job" / "one" / "1" / "algo-1"
    for name in ("ml/code", "tmp", "work"):
        (folder / name).mkdir(parents=True)
    (tmp_path / "state" / "keys.json").write_text("secret")
    sandbox = make_sandbox(folder, tmp_path / "state", host="algo-1", hosts=["algo-1", "algo-2"])
    if not sandbox.is_isolated:
        pytest.skip("namespaces are not allowed here")
    return sandbox


def run(sandbox: Sandbox, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Runs words in the place of a job's program."""
    command, environment = sandbox.wrap(words, variables)
    code = sandbox.ml / "code"
    return subprocess.run(command, env=environment, cwd=code, capture_output=True, text=True, check=False)


def test_the_program_has_its_own_variables_and_no_others(sandbox: Sandbox) -> None:
    variables = {"PATH": "/nowhere", "UID": "7", "OPTIND": "x", "TEXT": "a\n'b' \"$c\" =", "EMPTY": ""}
    environment, cwd, host = json.loads(run(sandbox, sys.executable, "-c", SHOW, **variables).stdout)
    assert {name: value for name, value in environment.items() if name != "LC_CTYPE"} == variables
    assert (cwd, host) == ("/opt/ml/code", "algo-1")


@pytest.mark.parametrize("name", ["unshare", "sh", "mount", "hostname", "mkdir"])
def test_the_path_of_a_job_does_not_choose_the_tools_that_make_the_sandbox(sandbox: Sandbox, name: str) -> None:
    own = sandbox.ml / "code" / name
    own.write_text("#!/bin/sh\necho stolen\n")
    own.chmod(0o755)
    done = run(sandbox, "/bin/echo", "ran", PATH=f".:{own.parent}:/usr/bin:/bin")
    assert (done.stdout, done.stderr) == ("ran\n", "")


def test_a_preloaded_library_is_loaded_by_the_program_only(sandbox: Sandbox) -> None:
    lines = run(sandbox, "/bin/true", LD_PRELOAD="./none.so").stderr.splitlines()
    assert len(lines) == 1, lines
    assert "./none.so" in lines[0]


def test_the_program_does_not_see_the_servers_folder(sandbox: Sandbox) -> None:
    state = sandbox.ml.parents[5]
    assert (state / "keys.json").is_file()
    assert run(sandbox, "/bin/cat", str(state / "keys.json")).returncode == 1


@pytest.mark.parametrize(
    ("words", "status", "stderr"),
    [
        (["/bin/sh", "-c", "exit 7"], 7, ""),
        (["/bin/sh", "-c", "kill -9 $$"], 137, "Killed\n"),
        (["/no/such"], 127, "naiad: /no/such: No such file or directory\n"),
        (["nowhere"], 127, "naiad: nowhere: No such file or directory\n"),
        (["/etc/hosts"], 126, "naiad: /etc/hosts: Permission denied\n"),
    ],
)
def test_the_exit_status_of_the_program_is_passed_on(
    sandbox: Sandbox, words: list[str], status: int, stderr: str
) -> None:
    done = run(sandbox, *words, PATH="/usr/bin:/bin")
    assert (done.returncode, done.stderr) == (status, stderr)


def test_a_closed_pipe_ends_a_program_as_usual(sandbox: Sandbox) -> None:
    done = run(sandbox, "sh", "-c", "yes 2>&1 | head -n 1", PATH="/usr/bin:/bin")
    assert (done.returncode, done.stdout, done.stderr) == (0, "y\n", "")


def test_only_the_owner_can_read_the_file_of_variables(sandbox: Sandbox) -> None:
    sandbox.wrap(["true"], {"SECRET": "s"})
    assert sandbox.variables.stat().st_mode & 0o777 == 0o600


def test_without_namespaces_the_program_is_started_directly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    sandbox = make_sandbox(tmp_path, tmp_path, host="algo-1", hosts=["algo-1"])
    assert not sandbox.is_isolated
    assert sandbox.root == sandbox.ml == tmp_path / "ml"
    assert sandbox.wrap(["a"], {"B": "c"}) == (["a"], {"B": "c"})
    assert not list(tmp_path.iterdir())
