"""New namespaces for a process that is already running, as the command ``unshare`` makes them for a new one."""

import ctypes
import os
import signal
from pathlib import Path

_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWUSER, _CLONE_NEWPID = 0x00020000, 0x04000000, 0x10000000, 0x20000000
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def enter_namespaces() -> None:
    """Gives this process its own users, mounts and host name, and its next forks their own process ids.

    Root inside is the present user outside. Raises OSError. The process must have one thread.
    """
    user, group = os.geteuid(), os.getegid()
    if _LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWPID) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    process = Path("/proc/self")
    (process / "setgroups").write_text("deny", encoding="ascii")
    (process / "uid_map").write_text(f"0 {user} 1", encoding="ascii")
    (process / "gid_map").write_text(f"0 {group} 1", encoding="ascii")


def die_with_parent() -> None:
    """Makes the kernel end this process by SIGKILL when the thread that forked it ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
