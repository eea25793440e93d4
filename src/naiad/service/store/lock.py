"""The lock that gives a store to one server: the kernel or PostgreSQL releases it when the server's process ends.

Here: the port, and the lock on a state folder. ``database_lock.py`` has the lock on a PostgreSQL database.
"""

import datetime as dt
import fcntl
import json
import logging
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from naiad.errors import FolderError

_LOG = logging.getLogger(__name__)
FILE_NAME = "naiad.lock"
_MAX_OWNER_BYTES = 4096


@dataclass(frozen=True)
class LockOwner:
    """The server that has a lock, as others are told. Contains no secret."""

    pid: int
    host: str
    since: dt.datetime
    url: str
    """The address of its gateway."""

    @classmethod
    def this_process(cls, *, url: str, since: dt.datetime) -> Self:
        return cls(os.getpid(), socket.gethostname(), since, url)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since:%Y-%m-%d %H:%M:%S} UTC, at {self.url}"


class StoreLock(Protocol):
    """A lock that was acquired. Programs that this process starts do not inherit it."""

    def is_held(self) -> bool: ...

    def reacquire(self) -> None:
        """Acquires a lost lock again. Raises Unavailable while that is not possible."""

    def release(self) -> None:
        """Idempotent."""


class NullLock:
    """The null twin, for a store that no other process can open."""

    def is_held(self) -> bool:
        return True

    def reacquire(self) -> None: ...

    def release(self) -> None: ...


class FolderLock:
    def __init__(self, descriptor: int) -> None:
        """``descriptor``: the open, locked file. It is closed by ``release``."""
        self._descriptor: int | None = descriptor

    def is_held(self) -> bool:
        return self._descriptor is not None

    def reacquire(self) -> None:
        """Does nothing: a file's lock is not lost before it is released."""

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def lock_folder(folder: Path, *, url: str, since: dt.datetime) -> FolderLock:
    """Locks a state folder, which is made if it is missing. ``url`` and ``since`` are told to servers that want it too.

    Raises FolderError that names the owner, or says why the folder cannot be locked.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise FolderError(f"state folder {folder} cannot be used: {error.strerror}") from error
    try:
        _lock_file(descriptor, folder)
    except OSError as error:
        os.close(descriptor)
        raise FolderError(f"state folder {folder} cannot be locked: {error.strerror}") from error
    except FolderError:
        os.close(descriptor)
        raise
    try:
        _write_owner(descriptor, LockOwner.this_process(url=url, since=since))
    except OSError as error:  # on a full disk: the folder is locked, only its owner is not named
        _LOG.warning("%s cannot be written: %s", folder / FILE_NAME, error)
    return FolderLock(descriptor)


def _lock_file(descriptor: int, folder: Path) -> None:
    try:
        # flock belongs to the open file, not to the process: opening the file elsewhere in this process does not release it.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise FolderError(
            f"state folder {folder} is in use by {_read_owner(descriptor)}",
            hint="use that server, stop it first, or give another folder",
        ) from error


def _write_owner(descriptor: int, owner: LockOwner) -> None:
    values = {"pid": owner.pid, "host": owner.host, "since": owner.since.isoformat(), "url": owner.url}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(values).encode(), 0)


def _read_owner(descriptor: int) -> str:
    """Returns the owner as text, or "another process" when the file does not name it (yet)."""
    try:
        values = json.loads(os.pread(descriptor, _MAX_OWNER_BYTES, 0))
        return str(LockOwner(values["pid"], values["host"], dt.datetime.fromisoformat(values["since"]), values["url"]))
    except (ValueError, KeyError, TypeError):
        return "another process"
