"""Control groups: the memory and processor time that the kernel allows this process. Reads the files of both versions.

The limits of a process are those of its own group and of all groups above it; the tightest one counts. In a container the path
of a group may be the host's, which the container cannot see: the mounted folder is then the container's own group.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_NO_LIMIT = 1 << 60
"""Version 1 writes a number larger than this where there is no limit."""


@dataclass(frozen=True)
class ControlGroups:
    mount: Path = Path("/sys/fs/cgroup")
    membership_file: Path = Path("/proc/self/cgroup")
    """Lines ``number:controllers:path``. The line of version 2 names no controllers."""

    def memory_left_bytes(self) -> int | None:
        """Memory that the process may still take; None without a limit. Cached files count as free: the kernel drops them."""
        left = [_memory_left_bytes(group) for group in self._groups("memory")]
        return min((count for count in left if count is not None), default=None)

    def core_quota(self) -> float | None:
        """Seconds of processor time a second; None without a quota."""
        quotas = [_core_quota(group) for group in self._groups("cpu")]
        return min((quota for quota in quotas if quota is not None), default=None)

    def throttled_s(self) -> float:
        """Seconds in which a quota was used up, of all its cores together; 0 without a quota. Counts up."""
        return max((_throttled_s(group) for group in self._groups("cpu")), default=0.0)

    def _groups(self, controller: str) -> Iterator[Path]:
        """Folders of the process's group and of those above it, in each hierarchy that may have the controller."""
        paths = self._group_paths()
        for mount, name in ((self.mount, ""), (self.mount / "unified", ""), (self.mount / controller, controller)):
            path = PurePosixPath(paths.get(name, "/")).relative_to("/")
            if ".." in path.parts:  # the group is outside of what is mounted
                path = PurePosixPath()
            yield from (mount / folder for folder in (path, *path.parents))

    def _group_paths(self) -> dict[str, str]:
        """The path of the process's group for each controller of version 1; the key "" is version 2."""
        try:
            lines = self.membership_file.read_text(encoding="utf-8").splitlines()
        except OSError:
            return {}
        fields = [line.split(":", 2) for line in lines if line.count(":") >= 2]
        return {name: path for _, names, path in fields for name in names.split(",") if path.startswith("/")}


CURRENT_PROCESS = ControlGroups()


def _memory_left_bytes(group: Path) -> int | None:
    limit = _read_number(group, "memory.max", "memory.limit_in_bytes")
    used = _read_number(group, "memory.current", "memory.usage_in_bytes")
    if limit is None or used is None or limit >= _NO_LIMIT:
        return None
    return max(0, limit - used + _cached_file_bytes(group))


def _cached_file_bytes(group: Path) -> int:
    words = _read_text(group / "memory.stat").split()
    counts = dict(zip(words[::2], words[1::2], strict=False))
    return int(counts.get("total_inactive_file", counts.get("inactive_file", 0)))


def _core_quota(group: Path) -> float | None:
    """Version 2 writes both numbers into one file, and ``max`` for no quota; version 1 writes -1."""
    both = _read_text(group / "cpu.max").split()
    version_1 = (_read_text(group / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    quota, period = both if len(both) == 2 else version_1
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _throttled_s(group: Path) -> float:
    """Version 2 counts microseconds, version 1 nanoseconds."""
    words = _read_text(group / "cpu.stat").split()
    counts = dict(zip(words[::2], words[1::2], strict=False))
    return int(counts.get("throttled_usec", 0)) / 1e6 + int(counts.get("throttled_time", 0)) / 1e9


def _read_number(group: Path, *names: str) -> int | None:
    """The number in the first of these files that holds one."""
    texts = (_read_text(group / name) for name in names)
    return next((int(text) for text in texts if text.isdigit()), None)


def _read_text(path: Path) -> str:
    """The file's text; empty where it cannot be read."""
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
