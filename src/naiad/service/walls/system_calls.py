"""System calls that the standard library lacks: mounts, namespaces, capabilities. Each raises OSError and names its subject."""

import ctypes
import os
import signal

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_REC, MS_PRIVATE = 1 << 10, 1 << 11, 1 << 12, 1 << 14, 1 << 18
MS_RELATIME, MS_STRICTATIME = 1 << 21, 1 << 24
MNT_DETACH = 2
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 28, 38, 47
_CAPABILITY_VERSION_3 = 0x20080522
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)
_LIBC.mount.argtypes = (*(ctypes.c_char_p,) * 3, ctypes.c_ulong, ctypes.c_char_p)


def unshare(flags: int) -> None:
    _check(_LIBC.unshare(flags), "unshare")


def set_namespace(file: str) -> None:
    """Enters an existing namespace."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_LIBC.setns(descriptor, 0), "setns")
    finally:
        os.close(descriptor)


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    words = (os.fsencode(word) or None for word in (source, target, kind))
    _check(_LIBC.mount(*words, flags, data.encode() or None), f"mount {target}")


def unmount(target: str, flags: int = 0) -> None:
    _check(_LIBC.umount2(os.fsencode(target), flags), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    _check(_LIBC.pivot_root(os.fsencode(new), os.fsencode(old)), "pivot_root")


def prctl(option: int, *arguments: int) -> None:
    padded = (*arguments, 0, 0, 0, 0)[:4]
    _check(_LIBC.prctl(option, *padded), f"prctl {option}")


def set_host_name(name: bytes) -> None:
    _check(_LIBC.sethostname(name, len(name)), "sethostname")


def drop_all_capabilities() -> None:
    """Empties this thread's effective, permitted and inheritable capabilities."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _check(_LIBC.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def die_with_parent() -> None:
    """Makes the kernel end this process by SIGKILL when the thread that forked it ends. New credentials clear it."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _check(result: int, subject: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{subject}: {os.strerror(number)}")
