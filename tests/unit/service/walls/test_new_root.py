import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from naiad.service.walls.file_view import Bind
from naiad.service.walls.sandbox import Sandbox

Run = Callable[..., Any]
FLAGS = """if True:
    for line in open("/proc/self/mountinfo"):
        fields = line.split()
        print(fields[4], fields[5].split(",")[0], "nosuid" in fields[5])
"""


def test_everything_but_its_folders_and_devices_is_read_only(sandbox: Sandbox, run: Run) -> None:
    lines = run(sandbox, sys.executable, "-c", FLAGS).stdout.splitlines()
    writable = {line.split()[0] for line in lines if line.split()[1] == "rw"}
    own = {"/tmp", "/opt/ml", "/proc", "/dev/shm", "/dev/pts"}
    assert {path for path in writable if path in own or not path.startswith("/dev/")} == own
    assert all(line.endswith("True") for line in lines)


def test_a_link_in_the_place_of_a_mount_is_refused(sandbox: Sandbox, run: Run, tmp_path: Path) -> None:
    """A program of the same folder may have left it in its /tmp, and the next one starts there."""
    outside = tmp_path / "outside"
    outside.mkdir()
    view = sandbox.walls.view
    assert view is not None
    (Path(view.binds[0].source) / "trap").symlink_to(outside)
    binds = (*view.binds, Bind("/usr", "/tmp/trap/made"))
    trapped = replace(sandbox, walls=replace(sandbox.walls, view=replace(view, binds=binds)))
    done = run(trapped, "/bin/true")
    assert done.returncode == 1
    assert "no sandbox" in done.stderr
    assert not list(outside.iterdir())


def test_a_folder_with_spaces_in_its_name(sandbox: Sandbox, run: Run, tmp_path: Path) -> None:
    """mountinfo writes them in octal: its mount is restricted like any other."""
    view = sandbox.walls.view
    assert view is not None
    work = tmp_path / "a folder\twith blanks"
    shutil.copytree(Path(view.binds[0].source).parent, work)
    other = replace(sandbox, walls=replace(sandbox.walls, base=str(work / "work")))
    assert run(other, "/bin/sh", "-c", "echo ran; touch /usr/new").stdout == "ran\n"
