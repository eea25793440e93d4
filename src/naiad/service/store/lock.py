"""One server a store: a lock on the state folder, or on the database, that the kernel or PostgreSQL lets go when we die."""

import datetime as dt
import fcntl
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from naiad.errors import FolderError

FILE_NAME = "naiad.lock"
_LONGEST_NOTE_BYTES = 4096


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as told to others. Nothing secret goes here."""

    pid: int
    host: str
    since: dt.datetime
    url: str
    """Where it serves."""

    @classmethod
    def this_process(cls, *, url: str, since: dt.datetime) -> Self:
        return cls(os.getpid(), socket.gethostname(), since, url)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since:%Y-%m-%d %H:%M:%S} UTC, at {self.url}"


class Hold(Protocol):
    """A lock that is held until ``release`` or the end of the process. Child processes that run a program do not inherit it."""

    def still_held(self) -> bool: ...

    def regain(self) -> None:
        """Takes it again after it was lost. Raises Unavailable while that cannot be."""

    def release(self) -> None:
        """Idempotent."""


class AlwaysHeld:
    """The null twin: for a store that nobody else can have."""

    def still_held(self) -> bool:
        return True

    def regain(self) -> None: ...

    def release(self) -> None: ...


class FolderHold:
    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def still_held(self) -> bool:
        return self._descriptor is not None

    def regain(self) -> None:
        """It is never lost before it is released."""

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def hold(folder: Path, *, url: str, since: dt.datetime) -> FolderHold:
    """Makes the folder when it is not there. Raises FolderError that says who holds it, or why it cannot be locked."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise FolderError(f"state folder {folder} cannot be used: {error.strerror}") from error
    try:
        _lock(descriptor, folder)
        _write(descriptor, Holder.this_process(url=url, since=since))
    except OSError as error:
        os.close(descriptor)
        raise FolderError(f"state folder {folder} cannot be locked: {error.strerror}") from error
    except FolderError:
        os.close(descriptor)
        raise
    return FolderHold(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        # Of the open file and not of the process: reading the file elsewhere in this process does not let it go.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise FolderError(
            f"state folder {folder} is in use by {_read(descriptor)}",
            hint="use that server, stop it first, or give another folder",
        ) from error


def _write(descriptor: int, holder: Holder) -> None:
    note = {"pid": holder.pid, "host": holder.host, "since": holder.since.isoformat(), "url": holder.url}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(note).encode(), 0)


def _read(descriptor: int) -> str:
    """The holder, or "another process" while it has not written its note."""
    try:
        note = json.loads(os.pread(descriptor, _LONGEST_NOTE_BYTES, 0))
        return str(Holder(note["pid"], note["host"], dt.datetime.fromisoformat(note["since"]), note["url"]))
    except (ValueError, KeyError, TypeError):
        return "another process"
