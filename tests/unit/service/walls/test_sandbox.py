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
    made = make_sandbox(folder, tmp_path / "state", host="algo-1", hosts=["algo-1", "algo-2"])
    if not made.is_closed:
        pytest.skip("namespaces are refused here")
    return made


def run(sandbox: Sandbox, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """The same in the place of a job's program."""
    command, environment = sandbox.start_of(words, variables)
    code = sandbox.ml / "code"
    return subprocess.run(command, env=environment, cwd=code, capture_output=True, text=True, check=False)


def test_the_program_has_its_own_variables_and_no_others(sandbox: Sandbox) -> None:
    given = {"PATH": "/nowhere", "UID": "7", "OPTIND": "x", "TEXT": "a\n'b' \"$c\" =", "EMPTY": ""}
    environment, cwd, host = json.loads(run(sandbox, sys.executable, "-c", SHOW, **given).stdout)
    assert {name: value for name, value in environment.items() if name != "LC_CTYPE"} == given
    assert (cwd, host) == ("/opt/ml/code", "algo-1")


@pytest.mark.parametrize("name", ["unshare", "sh", "mount", "hostname", "mkdir"])
def test_a_path_of_the_jobs_does_not_choose_what_makes_the_walls(sandbox: Sandbox, name: str) -> None:
    own = sandbox.ml / "code" / name
    own.write_text("#!/bin/sh\necho stolen\n")
    own.chmod(0o755)
    done = run(sandbox, "/bin/echo", "ran", PATH=f".:{own.parent}:/usr/bin:/bin")
    assert (done.stdout, done.stderr) == ("ran\n", "")


def test_a_library_of_the_jobs_is_loaded_by_its_program_only(sandbox: Sandbox) -> None:
    told = run(sandbox, "/bin/true", LD_PRELOAD="./none.so").stderr.splitlines()
    assert len(told) == 1, told
    assert "./none.so" in told[0]


def test_the_servers_folder_is_empty_inside(sandbox: Sandbox) -> None:
    state = sandbox.ml.parents[5]
    assert (state / "keys.json").is_file()
    assert run(sandbox, "/bin/cat", str(state / "keys.json")).returncode == 1


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["/bin/sh", "-c", "exit 7"], 7, ""),
        (["/bin/sh", "-c", "kill -9 $$"], 137, "Killed\n"),
        (["/no/such"], 127, "naiad: /no/such: No such file or directory\n"),
        (["nowhere"], 127, "naiad: nowhere: No such file or directory\n"),
        (["/etc/hosts"], 126, "naiad: /etc/hosts: Permission denied\n"),
    ],
)
def test_the_programs_end_is_told_on(sandbox: Sandbox, words: list[str], status: int, said: str) -> None:
    done = run(sandbox, *words, PATH="/usr/bin:/bin")
    assert (done.returncode, done.stderr) == (status, said)


def test_a_program_is_ended_by_a_closed_pipe_as_usual(sandbox: Sandbox) -> None:
    done = run(sandbox, "sh", "-c", "yes 2>&1 | head -n 1", PATH="/usr/bin:/bin")
    assert (done.returncode, done.stdout, done.stderr) == (0, "y\n", "")


def test_the_variables_are_for_the_owner_only(sandbox: Sandbox) -> None:
    sandbox.start_of(["true"], {"SECRET": "s"})
    assert sandbox.variables.stat().st_mode & 0o777 == 0o600


def test_where_namespaces_are_refused_the_program_is_started_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    sandbox = make_sandbox(tmp_path, tmp_path, host="algo-1", hosts=["algo-1"])
    assert not sandbox.is_closed
    assert sandbox.root == sandbox.ml == tmp_path / "ml"
    assert sandbox.start_of(["a"], {"B": "c"}) == (["a"], {"B": "c"})
    assert not list(tmp_path.iterdir())
