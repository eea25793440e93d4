"""Control groups as this machine has them; skipped where none can be made."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from naiad.service.executors.process import Process
from naiad.service.walls import control_group
from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.launch_request import LaunchRequest, Walls
from naiad.service.walls.sandbox import Sandbox
from naiad.service.walls.start import start_program

MB = 2**20
Run = Callable[..., Any]
FLOOD = "for _ in $(seq 60); do sleep 5 & done; echo started"


@pytest.fixture
def group() -> Iterator[ControlGroup]:
    made = ControlGroup.make(f"naiad-test-{os.getpid()}", memory_bytes=64 * MB, tasks=40)
    if made is None:
        pytest.skip("no control group can be made here")
    yield made
    made.remove()
    assert not any(folder.exists() for folder in made.folders)


@pytest.mark.parametrize(
    "code",
    [
        "held = b'x' * (200 * 2**20)",
        "open('/dev/shm/large', 'wb').write(b'x' * (200 * 2**20))",
        "import os; file = os.memfd_create('large')\nfor _ in range(200): os.write(file, b'x' * 2**20)",
    ],
    ids=["own memory", "a file in /dev/shm", "memfd"],
)
def test_a_program_that_takes_too_much_memory_is_ended(
    sandbox: Sandbox, run: Run, group: ControlGroup, code: str
) -> None:
    assert run(sandbox, sys.executable, "-c", code, group=group).returncode in (
        137,
        -9,
    )  # the program, or who waits for it
    assert group.was_out_of_memory
    assert not group.was_out_of_tasks


def test_a_program_that_starts_too_many_processes(sandbox: Sandbox, run: Run, group: ControlGroup) -> None:
    done = run(sandbox, "/bin/sh", "-c", FLOOD, group=group, PATH="/usr/bin:/bin")
    assert (done.returncode, "started" in done.stdout) == (2, False)
    assert group.was_out_of_tasks
    assert not group.was_out_of_memory


def test_a_program_within_its_limits(sandbox: Sandbox, run: Run, group: ControlGroup) -> None:
    assert run(sandbox, "/bin/true", group=group).returncode == 0
    assert not (group.was_out_of_memory)
    assert not (group.was_out_of_tasks)


def test_no_group_where_nothing_is_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_group, "MOUNT", tmp_path)
    assert ControlGroup.make("naiad-test", memory_bytes=1, tasks=1) is None


def test_a_group_of_version_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uses files like the kernel's, since most machines have one version only."""
    files = {"cgroup.controllers": "cpuset memory pids", "cgroup.subtree_control": ""}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(control_group, "MOUNT", tmp_path)
    monkeypatch.setattr(control_group, "_own_paths", lambda: {"": control_group.PurePosixPath("/")})
    mkdir, write_text, delegated = Path.mkdir, Path.write_text, list[str]()

    def make_kernel_files(folder: Path, *arguments: Any, **options: Any) -> None:
        mkdir(folder, *arguments, **options)
        for name in ("memory.max", "pids.max", "memory.oom.group", "cgroup.procs", "cpuset.cpus"):
            (folder / name).touch()

    def record(file: Path, text: str, *arguments: Any, **options: Any) -> int:
        if file.name == "cgroup.subtree_control":
            delegated.extend(text.split())
        return write_text(file, text, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", make_kernel_files)
    monkeypatch.setattr(Path, "write_text", record)
    made = ControlGroup.make("naiad-test", memory_bytes=7, tasks=3, cpus=(0, 2))
    assert made is not None
    (folder,) = made.folders
    assert delegated == ["+memory", "+pids", "+cpuset"]
    assert ((folder / "cpuset.cpus").read_text(), made.has_cores) == ("0,2", True)
    assert [(folder / name).read_text() for name in ("memory.max", "pids.max", "memory.oom.group")] == ["7", "3", "1"]
    (folder / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert made.was_out_of_memory


def test_a_group_of_version_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uses files like the kernel's. A set of cores needs the memory nodes of the group above it."""
    for name in ("memory", "pids", "cpuset"):
        (tmp_path / name).mkdir()
    (tmp_path / "cpuset" / "cpuset.mems").write_text("0-1\n")
    monkeypatch.setattr(control_group, "MOUNT", tmp_path)
    root = control_group.PurePosixPath("/")
    monkeypatch.setattr(control_group, "_own_paths", lambda: dict.fromkeys(("memory", "pids", "cpuset"), root))
    kernel_files = {"memory": ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"], "pids": ["pids.max"]}
    mkdir = Path.mkdir

    def make_kernel_files(folder: Path, *arguments: Any, **options: Any) -> None:
        mkdir(folder, *arguments, **options)
        for name in kernel_files.get(folder.parent.name, ()):
            (folder / name).touch()

    monkeypatch.setattr(Path, "mkdir", make_kernel_files)
    made = ControlGroup.make("naiad-test", memory_bytes=7, tasks=3, cpus=(0, 2))
    assert made is not None
    assert made.folders == tuple(tmp_path / name / "naiad-test" for name in ("memory", "pids", "cpuset"))
    assert made == ControlGroup.find("naiad-t*")
    written = {file.name: file.read_text().strip() for folder in made.folders for file in folder.iterdir()}
    assert written == {
        "memory.limit_in_bytes": "7",
        "memory.memsw.limit_in_bytes": "7",
        "pids.max": "3",
        "cpuset.mems": "0-1",
        "cpuset.cpus": "0,2",
    }
    assert made.has_cores


def test_a_machine_that_holds_no_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lacks version 1's sets of cores, and version 2's file of them."""
    group = ControlGroup((tmp_path,))
    monkeypatch.setattr(control_group, "MOUNT", tmp_path / "nothing")
    assert group._with_cores("naiad-test", (0,)) == group
    assert not group.has_cores


def test_an_empty_group_that_was_left_is_made_anew(group: ControlGroup) -> None:
    again = ControlGroup.make(f"naiad-test-{os.getpid()}", memory_bytes=64 * MB, tasks=40)
    assert again == group


def test_groups_are_found_by_a_pattern(group: ControlGroup) -> None:
    assert set(group.folders) <= set(ControlGroup.find("naiad-te*").folders)
    group.remove_empty()
    assert not set(group.folders) & set(ControlGroup.find("naiad-te*").folders)
    assert ControlGroup.find("naiad-no-such").folders == ()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_a_program_cannot_leave_its_cores(sandbox: Sandbox, run: Run) -> None:
    core = max(os.sched_getaffinity(0))
    made = ControlGroup.make("naiad-test-cores", memory_bytes=64 * MB, tasks=40, cpus=(core,))
    if made is None or not made.has_cores:
        pytest.skip("no control group can hold cores here")
    code = "import os; os.sched_setaffinity(0, range(os.cpu_count())); print(*os.sched_getaffinity(0))"
    try:
        assert run(sandbox, sys.executable, "-c", code, group=made).stdout == f"{core}\n"
    finally:
        made.remove()
    assert not any(folder.exists() for folder in made.folders)


def test_what_a_program_without_namespaces_leaves_behind_is_killed(group: ControlGroup, tmp_path: Path) -> None:
    """Its own session keeps it from the signals for the program."""
    walls = Walls(view=None, control_group=tuple(map(str, group.folders)))
    words = ("/bin/sh", "-c", "setsid sleep 600 & echo $!")
    process = start_program(LaunchRequest(words, {"PATH": os.defpath}, str(tmp_path), walls), stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process:
        left = int(process.stdout.readline())
        process.wait()
        assert Process.find(left) is not None
        group.remove()
    assert Process.find(left) is None
    assert not any(folder.exists() for folder in group.folders)
