"""The control group of one program: the kernel holds its memory, the number of its tasks and its cores. Both versions.

Memory of files that live in memory counts, too: /dev/shm, memfd. Where no group can be made, the program is measured instead.
Cores are held where the machine lets a group have some; elsewhere a program could leave the cores that it is pinned to.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MOUNT = Path("/sys/fs/cgroup")
_CONTROLLERS = ("memory", "pids")
_CPU_SET = "cpuset"
_REMOVE_TRIES, _REMOVE_INTERVAL_S = 500, 0.02


@dataclass(frozen=True)
class ControlGroup:
    """One folder for all controllers in version 2, one each in version 1."""

    folders: tuple[Path, ...]

    @classmethod
    def make(
        cls, name: str, *, memory_bytes: int | None, tasks: int | None, cpus: Sequence[int] = ()
    ) -> "ControlGroup | None":
        """Returns a new group; None where the machine allows none that can hold memory and tasks.

        An empty group of the same name, which a killed process has left, is removed first.
        """
        limits = {"memory.max": memory_bytes, "memory.limit_in_bytes": memory_bytes, "pids.max": tasks}
        cls.find(name).remove_empty()
        for bases in _candidates():
            group = cls(tuple(base / name for base in bases))
            try:
                for base, folder in zip(bases, group.folders, strict=True):
                    _delegate(base)
                    folder.mkdir()
                for file, limit in limits.items():
                    if limit is not None:
                        group._set_limit(file, limit)
                group._set_optional("memory.oom.group", 1)
                group._set_optional("memory.swap.max", 0)
                group._set_optional("memory.memsw.limit_in_bytes", memory_bytes)
            except OSError:
                group.remove_empty()
                continue
            return group._with_cores(name, cpus) if cpus else group
        return None

    @classmethod
    def find(cls, pattern: str) -> "ControlGroup":
        """Returns all folders of the groups with this name, or with names of this pattern; there may be none."""
        bases = {base: None for bases in (*_candidates(), *_cpu_set_candidates()) for base in bases}
        return cls(tuple(folder for base in bases for folder in base.glob(pattern)))

    def join(self) -> None:
        """Moves the present process into the group. Raises OSError."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text("0", encoding="ascii")

    @property
    def has_cores(self) -> bool:
        """Whether its programs cannot leave the cores that it was made with."""
        files = [folder / "cpuset.cpus" for folder in self.folders]
        return any(file.exists() and file.read_text(encoding="ascii").strip() for file in files)

    @property
    def was_out_of_memory(self) -> bool:
        """Whether the kernel has ended a process of the group because its memory was used up."""
        return any(self._count(file, "oom_kill") for file in ("memory.events", "memory.oom_control"))

    @property
    def was_out_of_tasks(self) -> bool:
        """Whether the group could not start a process because it had as many as it may."""
        return self._count("pids.events", "max") > 0

    def remove(self) -> None:
        """Kills what is left of the program, and removes the group once that is gone, which takes a moment."""
        for folder in self.folders:
            for _ in range(_REMOVE_TRIES):
                _kill_processes(folder)
                try:
                    folder.rmdir()
                except OSError:
                    if not folder.exists():
                        break
                    time.sleep(_REMOVE_INTERVAL_S)
                else:
                    break

    def remove_empty(self) -> None:
        """Removes what has no processes now. Never waits."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _with_cores(self, name: str, cpus: Sequence[int]) -> "ControlGroup":
        """Returns the group with its cores set; unchanged where the machine allows that to no group."""
        text = ",".join(map(str, cpus))
        for folder in self.folders:
            with contextlib.suppress(OSError):
                if (folder / "cpuset.cpus").exists():  # version 2
                    (folder / "cpuset.cpus").write_text(text, encoding="ascii")
                    return self
        for (base,) in _cpu_set_candidates():
            folder = base / name
            try:
                folder.mkdir()
                nodes = (base / "cpuset.mems").read_text(encoding="ascii")
                (folder / "cpuset.mems").write_text(nodes, encoding="ascii")
                (folder / "cpuset.cpus").write_text(text, encoding="ascii")
            except OSError:
                with contextlib.suppress(OSError):
                    folder.rmdir()
            else:
                return ControlGroup((*self.folders, folder))
        return self

    def _set_limit(self, file: str, limit: int) -> None:
        """Raises FileNotFoundError when no folder has the controller's file of either version."""
        paths = [folder / file for folder in self.folders if (folder / file).exists()]
        controller = file.partition(".")[0]
        if not any(next(folder.glob(f"{controller}.*"), None) for folder in self.folders):
            raise FileNotFoundError(file)
        for path in paths:
            path.write_text(str(limit), encoding="ascii")

    def _set_optional(self, file: str, value: int | None) -> None:
        for folder in self.folders:
            if value is not None and (folder / file).exists():
                with contextlib.suppress(OSError):
                    (folder / file).write_text(str(value), encoding="ascii")

    def _count(self, file: str, name: str) -> int:
        for folder in self.folders:
            try:
                words = [line.split() for line in (folder / file).read_text(encoding="ascii").splitlines()]
            except OSError:
                continue
            return next((int(word[1]) for word in words if word[0] == name), 0)
        return 0


def _kill_processes(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for pid in map(int, (folder / "cgroup.procs").read_text(encoding="ascii").split()):
            if pid:  # 0 is a process that this one cannot see
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)


def _candidates() -> Iterator[tuple[Path, ...]]:
    """Yields the folders below which a group may be made: this process's own groups, those above it, the roots."""
    paths = _own_paths()
    for mount in (MOUNT, MOUNT / "unified"):
        if "" in paths and (mount / "cgroup.controllers").exists():
            own = mount / paths[""].relative_to("/")
            yield from ((folder,) for folder in (own, own.parent, mount) if _is_below(folder, mount))
    if all(name in paths for name in _CONTROLLERS):
        yield tuple(MOUNT / name / paths[name].relative_to("/") for name in _CONTROLLERS)
        yield tuple(MOUNT / name for name in _CONTROLLERS)


def _cpu_set_candidates() -> Iterator[tuple[Path]]:
    """Yields the folders of version 1 below which a set of cores may be made."""
    path = _own_paths().get(_CPU_SET)
    if path is not None:
        yield (MOUNT / _CPU_SET / path.relative_to("/"),)
        yield (MOUNT / _CPU_SET,)


def _own_paths() -> dict[str, PurePosixPath]:
    """Returns the path of this process's group for each controller; "" is version 2."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    fields = [line.split(":", 2) for line in lines]
    return {name: PurePosixPath(path) for _, names, path in fields for name in names.split(",") if ".." not in path}


def _delegate(base: Path) -> None:
    """Lets groups below a folder of version 2 have the controllers; elsewhere they have them anyway. Raises OSError."""
    file = base / "cgroup.subtree_control"
    if file.exists() and not set(_CONTROLLERS) <= set(file.read_text(encoding="ascii").split()):
        file.write_text(" ".join(f"+{name}" for name in _CONTROLLERS), encoding="ascii")
    if file.exists() and _CPU_SET not in file.read_text(encoding="ascii").split():
        with contextlib.suppress(OSError):
            file.write_text(f"+{_CPU_SET}", encoding="ascii")


def _is_below(folder: Path, mount: Path) -> bool:
    return folder == mount or os.path.commonpath((folder, mount)) == str(mount)
