"""Namespaces of one's own, for a process that is running: what the command ``unshare`` does for a new one."""

import ctypes
import os
import signal
from pathlib import Path

_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWUSER, _CLONE_NEWPID = 0x00020000, 0x04000000, 0x10000000, 0x20000000
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def enter_namespaces() -> None:
    """Users, mounts and the host's name; processes from the next fork on. Root in there is the user out here.

    Raises OSError. The process must have one thread.
    """
    user, group = os.geteuid(), os.getegid()
    if _LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWPID) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    me = Path("/proc/self")
    (me / "setgroups").write_text("deny", encoding="ascii")
    (me / "uid_map").write_text(f"0 {user} 1", encoding="ascii")
    (me / "gid_map").write_text(f"0 {group} 1", encoding="ascii")


def die_with_parent() -> None:
    """By SIGKILL, when the thread ends that has made this process."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
