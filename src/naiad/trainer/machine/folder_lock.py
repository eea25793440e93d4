"""A lock on a folder, so that only one run at a time writes into it. The kernel releases it when its process ends, even killed.

A process that this one forks or starts does not have the lock, and does not keep it. Reading or copying the folder, in any
process, leaves the lock as it is. Where the file system has no locks, as
some network file systems do not, nothing is locked.
"""

import contextlib
import errno
import fcntl
import functools
import json
import os
import socket
import threading
from pathlib import Path

from naiad.errors import FolderInUse

FILE_NAME = "run.lock"
"""File that is there while a run writes into the folder; a killed run leaves it, unlocked."""
_MAX_OWNER_BYTES = 4096
_HELD_ERRNOS = frozenset({errno.EACCES, errno.EAGAIN})
_WITHOUT_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})
_guard = threading.Lock()
_descriptors: dict[str, int] = {}
"""Open lock files of this process by folder. The kernel's lock is of the open file, so it outlives a copy that is closed."""


def lock_folder(folder: Path) -> None:
    """Locks a folder that exists, until ``unlock_folder``. Raises FolderInUse where any run has it; OSError."""
    key = os.path.realpath(folder)
    with _guard:
        if key in _descriptors:
            raise _in_use(folder, "this process")
        _descriptors[key] = _open_locked(folder)
        _close_in_forks()


def unlock_folder(folder: Path) -> None:
    """Releases the lock and removes its file. Does nothing where this process has no lock on the folder."""
    with _guard:
        descriptor = _descriptors.pop(os.path.realpath(folder), None)
        if descriptor is not None:
            if _is_lock_file(descriptor, folder):
                with contextlib.suppress(OSError):
                    (folder / FILE_NAME).unlink()
            os.close(descriptor)


@functools.cache
def _close_in_forks() -> None:
    """Has each process that this one forks from now on close its copies, which would keep the locks."""
    os.register_at_fork(after_in_child=_close_copies)


def _close_copies() -> None:
    global _guard  # noqa: PLW0603  # reason: another thread of the parent may have held it
    _guard = threading.Lock()
    while _descriptors:
        os.close(_descriptors.popitem()[1])


def _open_locked(folder: Path) -> int:
    """Returns the descriptor of the lock file; the file of an owner who removes it meanwhile does not count."""
    while True:
        descriptor = os.open(folder / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            _lock(descriptor, folder)
            if _is_lock_file(descriptor, folder):
                _write_owner(descriptor)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD_ERRNOS:
            raise _in_use(folder, _read_owner(descriptor)) from None
        if error.errno not in _WITHOUT_LOCKS:
            raise


def _is_lock_file(descriptor: int, folder: Path) -> bool:
    """Whether the descriptor is of the file that is in the folder now."""
    try:
        return os.path.samestat(os.fstat(descriptor), (folder / FILE_NAME).stat())
    except OSError:  # the folder has gone, or is none any more
        return False


def _write_owner(descriptor: int) -> None:
    owner = {"pid": os.getpid(), "host": socket.gethostname()}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(owner).encode(), 0)


def _read_owner(descriptor: int) -> str:
    try:
        owner = json.loads(os.pread(descriptor, _MAX_OWNER_BYTES, 0))
        return f"process {int(owner['pid'])} on {str(owner['host'])[:100]}"
    except (OSError, ValueError, TypeError, KeyError):
        return "another process"


def _in_use(folder: Path, owner: str) -> FolderInUse:
    return FolderInUse(
        f"a run is writing into the folder {folder}: {owner}",
        hint="wait for its end, or stop it; or name another folder",
    )
