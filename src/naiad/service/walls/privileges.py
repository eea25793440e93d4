"""Gives up privileges for good: another user id, a namespace that locks the mounts, no capabilities, no way to new ones."""

import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from naiad.service.walls import system_calls as linux
from naiad.service.walls.syscall_filter import install_syscall_filter

PROGRAM_USER_ID = 2_000_000_000
"""The user of the programs of a server that runs as root. No account has it, so no file of the host is its own."""
_MAX_CAPABILITY = 63
_NO_ROOT, _NO_ROOT_LOCKED = 1, 2
_PR_CAP_AMBIENT_CLEAR_ALL = 4


def become_user(user_id: int, devices: Iterable[str]) -> None:
    """Changes from root to another user, who keeps the groups of the devices. Raises OSError."""
    statuses = [Path(device).stat() for device in devices if Path(device).exists()]
    os.setgroups(sorted({each.st_gid for each in statuses if each.st_gid and stat.S_ISCHR(each.st_mode)}))
    os.setresgid(user_id, user_id, user_id)
    os.setresuid(user_id, user_id, user_id)
    linux.prctl(linux.PR_SET_DUMPABLE, 1)  # else /proc/self belongs to root


def enter_user_namespace(flags: int = 0) -> None:
    """Makes a user namespace, and what ``flags`` name, in which the present user has the id 0. Raises OSError.

    The process must have one thread.
    """
    user, group = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER | flags)
    process = Path("/proc/self")
    (process / "setgroups").write_text("deny", encoding="ascii")
    (process / "uid_map").write_text(f"0 {user} 1", encoding="ascii")
    (process / "gid_map").write_text(f"0 {group} 1", encoding="ascii")


def give_up_privileges() -> None:
    """Leaves this process and all that it starts without capabilities, and filters their system calls. Raises OSError."""
    for capability in range(_MAX_CAPABILITY + 1):
        try:
            linux.prctl(linux.PR_CAPBSET_DROP, capability)
        except OSError:  # the kernel has fewer, or there is nothing that could be dropped
            break
    with contextlib.suppress(PermissionError):  # of a process that has no capabilities from the start
        linux.prctl(linux.PR_SET_SECUREBITS, _NO_ROOT | _NO_ROOT_LOCKED)
    linux.prctl(linux.PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    linux.drop_all_capabilities()
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    install_syscall_filter()
