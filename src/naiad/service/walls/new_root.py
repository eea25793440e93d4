"""Builds the root folder that a program sees and enters it. For a process in a mount namespace of its own, with a new proc."""

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from naiad.service.walls import system_calls as linux
from naiad.service.walls.file_view import Bind, FileView

_ROOT_SIZE = "size=16m,mode=755"
_MOUNT_OPTIONS = {
    "ro": linux.MS_RDONLY,
    "nosuid": linux.MS_NOSUID,
    "nodev": linux.MS_NODEV,
    "noexec": linux.MS_NOEXEC,
    "noatime": linux.MS_NOATIME,
    "nodiratime": linux.MS_NODIRATIME,
    "relatime": linux.MS_RELATIME,
}
_SEALED_PROC = ("sys", "sysrq-trigger", "irq", "bus", "fs")
"""Entries of /proc that a user id 0 of the host could write without any capability."""
_LINKS = (
    *(("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "fd/0"), ("/dev/stdout", "fd/1"), ("/dev/stderr", "fd/2")),
    *(("/dev/ptmx", "pts/ptmx"), ("/etc/mtab", "/proc/self/mounts"), ("/var/tmp", "/tmp")),  # noqa: S108  # reason: links of its own
)
_FOLDERS = ("etc", "run", "var", "dev/pts", "dev/shm", "proc", "opt/ml", "root")


def enter_new_root(view: FileView, base: str, *, shm_bytes: int) -> None:
    """Makes the view the root of this process. ``base`` is a folder that is covered meanwhile. Raises OSError."""
    base = os.path.realpath(base)
    linux.mount("", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("naiad", base, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, _ROOT_SIZE)
    for name in _FOLDERS:
        Path(base, name).mkdir(parents=True, exist_ok=True)
    for bind in view.binds:
        _bind(bind, base)
    _restrict_mounts(view, base)
    for path, target in (*_LINKS, *view.links):
        link = Path(base + path)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    for path, text in view.files:
        Path(base + path).write_text(text, encoding="utf-8")
    _mount_special(base, shm_bytes)
    for path in view.hidden:
        if Path(base + path).is_dir():
            linux.mount(
                "naiad", base + path, "tmpfs", linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV, "mode=700,size=4k"
            )
    _change_root(base)


def _bind(bind: Bind, base: str) -> None:
    target = Path(base + bind.target)
    _check_place(target)
    if Path(bind.source).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    linux.mount(bind.source, str(target), flags=linux.MS_BIND | linux.MS_REC)


def _check_place(target: Path) -> None:
    """Raises OSError when a link is on the way. A program of this folder may have left one before."""
    if os.path.realpath(target) != str(target):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(target))


def _restrict_mounts(view: FileView, base: str) -> None:
    """Takes from every mount what a program does not need: devices, set-user-id bits, and writing.

    A mount below a bind is the host's own: where the kernel refuses to change it, it stays as it is, and still cannot be written
    unless the host's own rules allow it.
    """
    binds = {base + bind.target: bind for bind in view.binds}
    open_binds = set(binds)
    for path, flags in _mounts_below(base):
        owner = next((binds[str(each)] for each in (Path(path), *Path(path).parents) if str(each) in binds), None)
        if owner is None:
            continue
        restrictions = linux.MS_NOSUID
        if not owner.is_device:
            restrictions |= linux.MS_NODEV | (0 if owner.is_writable else linux.MS_RDONLY)
        try:
            linux.mount("", path, flags=linux.MS_BIND | linux.MS_REMOUNT | flags | restrictions)
        except OSError:
            if path in binds:
                raise
        open_binds.discard(path)
    if open_binds:
        raise OSError(errno.EPERM, f"a mount stays open: {min(open_binds)}")


def _mounts_below(base: str) -> Iterator[tuple[str, int]]:
    """Yields (path, its flags) of each mount, as this process's mountinfo has them."""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields = line.split(" ")
        path = re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), fields[4])
        if path.startswith(f"{base}/"):
            options = fields[5].split(",")
            flags = sum(flag for option, flag in _MOUNT_OPTIONS.items() if option in options)
            yield path, flags if {"noatime", "relatime"} & set(options) else flags | linux.MS_STRICTATIME


def _mount_special(base: str, shm_bytes: int) -> None:
    safe = linux.MS_NOSUID | linux.MS_NODEV
    shm = Path(base, "dev", "shm")
    linux.mount("naiad", str(shm), "tmpfs", safe, f"mode=1777,size={shm_bytes}" if shm_bytes else "mode=1777")
    linux.mount("devpts", f"{base}/dev/pts", "devpts", linux.MS_NOSUID, "newinstance,ptmxmode=0666,mode=620")
    try:
        linux.mount("proc", f"{base}/proc", "proc", safe | linux.MS_NOEXEC)
    except PermissionError:  # part of the host's is covered, as in many containers: it is shown as it is
        linux.mount("/proc", f"{base}/proc", flags=linux.MS_BIND | linux.MS_REC)
        return
    for name in _SEALED_PROC:
        path = f"{base}/proc/{name}"
        if Path(path).exists():
            linux.mount(path, path, flags=linux.MS_BIND | linux.MS_REC)
            linux.mount("", path, flags=linux.MS_BIND | linux.MS_REMOUNT | linux.MS_RDONLY | safe | linux.MS_NOEXEC)


def _change_root(base: str) -> None:
    """Leaves the host's root for good. The new one can be read only."""
    os.chdir(base)
    linux.pivot_root(".", ".")
    linux.unmount(".", linux.MNT_DETACH)
    os.chdir("/")
    linux.mount("", "/", flags=linux.MS_BIND | linux.MS_REMOUNT | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV)
