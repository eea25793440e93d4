import subprocess
import sys
from pathlib import Path

import pytest

from naiad.service.jobs.agent.python_command import is_python_command, shadowed_module

RUN = """
import sys
from naiad.service.jobs.agent.python_command import run_python_command
sys.exit(run_python_command(sys.argv[1:]))
"""


def run(*words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", RUN, "python", *words], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("python", "train.py", "--lr", "1"), True),
        (("python", "--", "train.py", "--lr", "1"), True),
        (("python", "--"), False),
        (("python", "-m", "package.module"), True),
        ((sys.executable, "-m", "package.module"), True),
        (("python", "-u", "train.py"), False),
        (("python", "-m"), False),
        (("python",), False),
        (("bash", "train.sh"), False),
        (("/opt/other/bin/python", "train.py"), False),
    ],
)
def test_commands_that_this_interpreter_can_run(words: tuple[str, ...], *, expected: bool) -> None:
    assert is_python_command(words) is expected


def test_a_module_of_the_program_with_the_name_of_a_loaded_one(tmp_path: Path) -> None:
    (tmp_path / "helper.py").touch()
    (tmp_path / "notes.txt").touch()
    assert shadowed_module([tmp_path, tmp_path / "missing"]) is None
    (tmp_path / "json.py").touch()
    assert shadowed_module([tmp_path]) == "json"


def test_a_module_runs_as_main(tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text("import sys\nprint(__name__, sys.argv[1:])")
    assert run("-m", "tool", "a", cwd=tmp_path).stdout == "__main__ ['a']\n"


@pytest.mark.parametrize("marker", [[], ["--"]])
def test_a_file_has_its_name_as_given_and_an_absolute_place(tmp_path: Path, marker: list[str]) -> None:
    (tmp_path / "train.py").write_text("import sys\nprint(sys.argv, __file__, sys.path[0])")
    assert run(*marker, "train.py", "a", cwd=tmp_path).stdout == f"['train.py', 'a'] {tmp_path}/train.py {tmp_path}\n"


def test_a_traceback_has_the_frames_of_the_program_only(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("def f():\n    1 / 0\nf()")
    done = run("train.py", cwd=tmp_path)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("  File")] == [
        f'  File "{tmp_path}/train.py", line 3, in <module>',
        f'  File "{tmp_path}/train.py", line 2, in f',
    ]


@pytest.mark.parametrize(
    ("end", "status"), [("sys.exit()", 0), ("sys.exit(3)", 3), ("sys.exit('why')", 1), ("raise KeyboardInterrupt", 130)]
)
def test_the_exit_status(tmp_path: Path, end: str, status: int) -> None:
    (tmp_path / "train.py").write_text(f"import sys\n{end}")
    assert run("train.py", cwd=tmp_path).returncode == status
