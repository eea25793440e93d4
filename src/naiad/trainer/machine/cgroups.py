"""Control groups: what the kernel allows this process of a machine. Knows both versions' files, and takes the tightest limit.

A process is in a group, and bound by the limits of all groups above it, too. In a container the path of a group may be the
host's, which is not to be seen there: what is mounted is then the container's own group.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_NO_LIMIT = 1 << 60
"""Version 1 writes a huge number."""


@dataclass(frozen=True)
class ControlGroups:
    mount: Path = Path("/sys/fs/cgroup")
    own: Path = Path("/proc/self/cgroup")
    """Lines ``number:controllers:path``; the one of version 2 names no controllers."""

    def memory_left(self) -> int | None:
        """Bytes that may still be taken; None without a limit. Cached files count as free: they are given back when asked for."""
        left = [_memory_left(group) for group in self._groups("memory")]
        return min((count for count in left if count is not None), default=None)

    def cores(self) -> float | None:
        """Processor time a second; None without a quota."""
        quotas = [_cores(group) for group in self._groups("cpu")]
        return min((quota for quota in quotas if quota is not None), default=None)

    def _groups(self, controller: str) -> Iterator[Path]:
        """Folders of the process's group and those above it, in each hierarchy that may have the controller."""
        paths = self._paths()
        for mount, name in ((self.mount, ""), (self.mount / "unified", ""), (self.mount / controller, controller)):
            path = PurePosixPath(paths.get(name, "/")).relative_to("/")
            if ".." in path.parts:  # of a group outside of what is mounted
                path = PurePosixPath()
            yield from (mount / folder for folder in (path, *path.parents))

    def _paths(self) -> dict[str, str]:
        """Of the process's group, by controller; by no name that of version 2."""
        try:
            lines = self.own.read_text(encoding="utf-8").splitlines()
        except OSError:
            return {}
        fields = [line.split(":", 2) for line in lines if line.count(":") >= 2]
        return {name: path for _, names, path in fields for name in names.split(",") if path.startswith("/")}


HERE = ControlGroups()


def _memory_left(group: Path) -> int | None:
    limit = _number(group, "memory.max", "memory.limit_in_bytes")
    used = _number(group, "memory.current", "memory.usage_in_bytes")
    if limit is None or used is None or limit >= _NO_LIMIT:
        return None
    return max(0, limit - used + _cached_files(group))


def _cached_files(group: Path) -> int:
    words = _text(group / "memory.stat").split()
    counts = dict(zip(words[::2], words[1::2], strict=False))
    return int(counts.get("total_inactive_file", counts.get("inactive_file", 0)))


def _cores(group: Path) -> float | None:
    both = _text(
        group / "cpu.max"
    ).split()  # of version 2; without a quota its first word is max, in version 1 it is -1
    quota, period = both if len(both) == 2 else (_text(group / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _number(group: Path, *names: str) -> int | None:
    """In the first of these files that holds one."""
    texts = (_text(group / name) for name in names)
    return next((int(text) for text in texts if text.isdigit()), None)


def _text(path: Path) -> str:
    """Nothing where it cannot be read."""
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
