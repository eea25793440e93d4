"""The control group of one program: the kernel holds its memory and the number of its tasks to a limit. Both versions.

Memory of files that live in memory counts, too: /dev/shm, memfd. Where no group can be made, the program is measured instead.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MOUNT = Path("/sys/fs/cgroup")
_CONTROLLERS = ("memory", "pids")
_REMOVE_TRIES, _REMOVE_INTERVAL_S = 500, 0.02


@dataclass(frozen=True)
class ControlGroup:
    """One folder for both controllers in version 2, one each in version 1."""

    folders: tuple[Path, ...]

    @classmethod
    def make(cls, name: str, *, memory_bytes: int | None, tasks: int | None) -> "ControlGroup | None":
        """Returns a new group; None where the machine allows none that can hold the limits."""
        limits = {"memory.max": memory_bytes, "memory.limit_in_bytes": memory_bytes, "pids.max": tasks}
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
            except OSError:
                group.remove()
                continue
            return group
        return None

    def join(self) -> None:
        """Moves the present process into the group. Raises OSError."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text("0", encoding="ascii")

    @property
    def was_out_of_memory(self) -> bool:
        """Whether the kernel has ended a process of the group because its memory was used up."""
        return any(self._count(file, "oom_kill") for file in ("memory.events", "memory.oom_control"))

    @property
    def was_out_of_tasks(self) -> bool:
        """Whether the group could not start a process because it had as many as it may."""
        return self._count("pids.events", "max") > 0

    def remove(self) -> None:
        """Removes the group once its processes are gone, which takes a moment after they were killed."""
        for folder in self.folders:
            for _ in range(_REMOVE_TRIES):
                try:
                    folder.rmdir()
                except OSError:
                    if not folder.exists():
                        break
                    time.sleep(_REMOVE_INTERVAL_S)
                else:
                    break

    def _set_limit(self, file: str, limit: int) -> None:
        """Raises FileNotFoundError when no folder has the controller's file of either version."""
        paths = [folder / file for folder in self.folders if (folder / file).exists()]
        controller = file.partition(".")[0]
        if not any(next(folder.glob(f"{controller}.*"), None) for folder in self.folders):
            raise FileNotFoundError(file)
        for path in paths:
            path.write_text(str(limit), encoding="ascii")

    def _set_optional(self, file: str, value: int) -> None:
        for folder in self.folders:
            if (folder / file).exists():
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


def _is_below(folder: Path, mount: Path) -> bool:
    return folder == mount or os.path.commonpath((folder, mount)) == str(mount)
