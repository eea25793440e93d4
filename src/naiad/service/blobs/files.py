"""Temporary files and lock files of a blob store's folder."""

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from naiad import disk_room, durable
from naiad.service.domain.errors import Invalid, StorageFull

_LOCK_FILES = 256
_COPY_BYTES = 2**24
_CHECK_BYTES = 2**20
"""The room on the disk is looked at before the first byte, and after so many."""
_NOT_SUPPORTED = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}


@contextlib.contextmanager
def translate_disk_errors() -> Iterator[None]:
    """Raises StorageFull for a full disk, and Invalid for a path beyond the system's limit, in place of OSError."""
    try:
        yield
    except OSError as error:
        if durable.is_disk_full(error):
            raise StorageFull("the disk of the blob store is full; free some space and try again") from error
        if error.errno == errno.ENAMETOOLONG:
            raise Invalid("the key is too long for this disk's paths") from error
        raise


class TemporaryFile:
    """A new file under a random name, until ``rename_to`` gives it its final one.

    It is locked while its process lives, so that ``remove_stale_files`` can tell it from the file of a killed process.
    """

    def __init__(self, folder: Path) -> None:
        self.fd, self._path = _create_locked_file(folder)
        self._unchecked_bytes = _CHECK_BYTES

    def write(self, data: bytes) -> None:
        """Raises OSError of a full disk before the disk's last room is taken: the database and deletions need it."""
        self._check_room(len(data))
        view = memoryview(data)
        while view:
            view = view[os.write(self.fd, view) :]

    def append(self, source_fd: int, length: int) -> None:
        """Appends the first ``length`` bytes of another file; inside the kernel where it can."""
        done = 0
        while done < length:
            step = _copy_some(source_fd, self.fd, done, min(_COPY_BYTES, length - done))
            self._check_room(step)
            if step == 0:
                raise OSError(errno.EIO, "a file became shorter while it was copied")
            done += step

    def sync(self) -> None:
        durable.sync_file(self.fd)

    def rename_to(self, path: Path) -> None:
        """Call ``sync`` first. The name is on disk when this returns. Raises FileNotFoundError when the folder is missing."""
        durable.rename(self._path, path)

    def close(self) -> None:
        """Removes the file unless it was renamed."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        os.close(self.fd)

    def _check_room(self, size: int) -> None:
        self._unchecked_bytes += size
        if self._unchecked_bytes >= _CHECK_BYTES:
            self._unchecked_bytes = 0
            disk_room.check_margin(self.fd)

    def __enter__(self) -> "TemporaryFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _copy_some(source_fd: int, target_fd: int, offset: int, length: int) -> int:
    try:
        return os.copy_file_range(source_fd, target_fd, length, offset)
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise
    return os.write(target_fd, os.pread(source_fd, min(length, 2**20), offset))


def _create_locked_file(folder: Path) -> tuple[int, Path]:
    while True:
        path = folder / secrets.token_hex(12)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        if os.fstat(fd).st_nlink:  # else another process removed it before it was locked
            return fd, path
        os.close(fd)


def remove_stale_files(folder: Path) -> None:
    """Removes the temporary files of processes that have ended, and folders, whose removal was interrupted."""
    for path in list(folder.iterdir()):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
            continue
        with contextlib.suppress(OSError), lock_file(path, wait=False):  # one that is in use, or that the disk keeps
            path.unlink()


@contextlib.contextmanager
def lock_file(path: Path, *, wait: bool = True, create: bool = False) -> Iterator[None]:
    """Excludes other threads and processes. Raises BlockingIOError instead of waiting, FileNotFoundError instead of creating."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


def lock_path(folder: Path, name: str) -> Path:
    """Returns the lock file of ``name``. Some names share one."""
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=2).digest()) % _LOCK_FILES
    return folder / f"{number:03d}"
