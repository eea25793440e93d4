import os
from pathlib import Path

import pytest

from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.resource_guard import (
    GIB,
    Excess,
    Resource,
    ResourceGuard,
    ResourceLimits,
    group_name,
    max_tasks,
)
from naiad.service.walls.volume import Volume


def group_with(folder: Path, **files: str) -> ControlGroup:
    """Returns a group whose files of events have these texts."""
    for name, text in files.items():
        (folder / f"{name}.events").write_text(text)
    return ControlGroup((folder,))


@pytest.mark.parametrize(
    ("excess", "text"),
    [
        (
            Excess(Resource.MEMORY, GIB, 2 * GIB),
            "out of memory: the program used 2.00 GiB of the 1.00 GiB that it was given",
        ),
        (
            Excess(Resource.TASKS, 2560),
            "too many processes: the program may have 2,560 processes and threads at once",
        ),
        (Excess(Resource.DISK, GIB, 3 * GIB), "disk full: the program wrote 3.00 GiB to its volume of 1 GiB"),
    ],
)
def test_the_reasons(excess: Excess, text: str) -> None:
    assert str(excess) == text


def test_what_the_kernel_has_refused(tmp_path: Path) -> None:
    limits = ResourceLimits(memory_bytes=7, tasks=3)
    guard = ResourceGuard(limits, group_with(tmp_path, memory="oom 0\noom_kill 0\n", pids="max 0\n"))
    assert guard.find_excess(os.getpid()) is None
    group_with(tmp_path, pids="max 1\n")
    assert guard.find_excess(os.getpid()) == guard.held_excess() == Excess(Resource.TASKS, 3)
    group_with(tmp_path, memory="oom 1\noom_kill 1\n")
    assert guard.find_excess(os.getpid()) == guard.held_excess() == Excess(Resource.MEMORY, 7, 7)


def test_without_a_group_the_program_is_measured() -> None:
    assert ResourceGuard(ResourceLimits(memory_bytes=2**50, tasks=2**20)).find_excess(os.getpid()) is None
    tasks = ResourceGuard(ResourceLimits(memory_bytes=1, tasks=1))
    assert tasks.find_excess(os.getpid()) == Excess(Resource.TASKS, 1)
    memory = ResourceGuard(ResourceLimits(memory_bytes=1)).find_excess(os.getpid())
    assert memory is not None
    assert (memory.resource, memory.limit, memory.used_bytes > 1) == (Resource.MEMORY, 1, True)
    assert ResourceGuard(ResourceLimits(memory_bytes=1)).held_excess() is None


def test_the_disk_is_measured_in_any_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = Volume([tmp_path], 10)
    monkeypatch.setattr(volume, "bytes_over_limit", lambda _: 11)
    (tmp_path / "group").mkdir()
    for group in (None, group_with(tmp_path / "group", memory="oom_kill 0\n")):
        assert ResourceGuard(group=group, volume=volume).find_excess(os.getpid()) == Excess(Resource.DISK, 10, 11)


def test_more_cores_may_have_more_tasks() -> None:
    assert [max_tasks(cores) for cores in (1, 2)] == [2560, 3072]


def test_names_differ_by_kind_and_folder() -> None:
    names = {group_name(kind, Path(path)) for kind in ("job", "model") for path in ("/a", "/b")}
    assert len(names) == 4
    assert group_name("model", Path("/a"), Path("/b")).startswith(f"{group_name('model', Path('/a'))}-")
