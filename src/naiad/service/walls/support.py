"""Finds the walls that this machine allows, by trying them once: containers and some distributions refuse namespaces."""

import functools
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from naiad.service.walls.file_view import make_file_view
from naiad.service.walls.launch_request import LaunchRequest, Walls
from naiad.service.walls.network import OwnNetwork
from naiad.service.walls.privileges import PROGRAM_USER_ID
from naiad.service.walls.start import start_program
from naiad.service.walls.syscall_filter import has_syscall_filter

_TIMEOUT_S = 20.0
_MIN_LAST_ID = 1000
"""Below it, no id is free for programs."""
_OWN_PID = "2"
"""The id of a program in its own process namespace, after init."""
_TRIAL = ("readlink", "/proc/self")
_NO_NAMESPACES = (
    "namespaces are not allowed here ({reason}): the program runs without /opt/ml, finds its folders in the SM_ variables, "
    "and can read the server's folder"
)
_RUNS_AS_ROOT = "programs run as root: another user cannot have namespaces here ({reason})"


@dataclass(frozen=True)
class WallSupport:
    has_namespaces: bool
    user_id: int | None
    """The user for programs of a server that is root; None where they keep the server's."""
    gaps: tuple[str, ...]
    """Lines for the log: what stays open."""

    @property
    def has_network(self) -> bool:
        """Whether programs can have a network of their own. Tried when it is first asked."""
        return self.has_namespaces and _has_network(self.user_id)


@functools.cache
def find_wall_support() -> WallSupport:
    """Tries the walls with a small program. The answer holds for the life of this process and of its forks."""
    gaps = (
        ()
        if has_syscall_filter()
        else ("the system calls of this processor are not known: programs run without a filter",)
    )
    user_id = _program_user_id() if os.geteuid() == 0 else None
    found, reason = _try_walls(user_id)
    if found is None and user_id is not None:
        user_id = None
        found, _ = _try_walls(user_id)
        gaps = (*gaps, *((_RUNS_AS_ROOT.format(reason=reason),) if found is not None else ()))
    if found is None:
        return WallSupport(has_namespaces=False, user_id=None, gaps=(*gaps, _NO_NAMESPACES.format(reason=reason)))
    if found != _OWN_PID:
        gaps = (*gaps, "part of /proc is covered here: programs see the names and commands of the machine's processes")
    return WallSupport(has_namespaces=True, user_id=user_id, gaps=gaps)


@functools.cache
def _has_network(user_id: int | None) -> bool:
    return _try_walls(user_id, OwnNetwork(0))[0] is not None


def _try_walls(user_id: int | None, network: OwnNetwork | None = None) -> tuple[str | None, str]:
    """Returns the process id that a program sees in /proc; where there are no walls, None and the reason."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in ("ml", "tmp", "work"):
            (folder / each).mkdir()
        view = make_file_view(folder / "ml", folder / "tmp", folder, hosts=())
        walls = Walls(view, str(folder / "work"), "trial", user_id, network=network)
        request = LaunchRequest(_TRIAL, {"PATH": os.defpath}, "/", walls)
        with start_program(request, stdout=subprocess.PIPE) as process:
            output = process.communicate(timeout=_TIMEOUT_S)[0].decode(errors="replace").strip()
    return (output, "") if process.returncode == 0 else (None, output.removeprefix("naiad: no sandbox: "))


def _program_user_id() -> int | None:
    """Returns an id that this user namespace has: a container may have few, and one that an ordinary user has made only one."""
    ranges = [line.split() for line in Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()]
    last_id = max(int(first) + int(count) - 1 for first, _, count in ranges)
    return min(PROGRAM_USER_ID, last_id - 2) if last_id > _MIN_LAST_ID else None
