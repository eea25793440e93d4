"""Files that survive a kill: temporaries, locks, and what must be synced before a change counts as made."""

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from naiad import durable
from naiad.service.domain.errors import Invalid, StorageFull

_LOCKS = 256
_COPY_BYTES = 2**26
_NO_COPY = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}


@contextlib.contextmanager
def translate_disk_errors() -> Iterator[None]:
    """A full disk as StorageFull, a path beyond the system's length as Invalid."""
    try:
        yield
    except OSError as error:
        if durable.is_disk_full(error):
            raise StorageFull("no room is left on the disk of the blobs; free some and try again") from error
        if error.errno == errno.ENAMETOOLONG:
            raise Invalid("the key is too long for this disk's paths") from error
        raise


class Temporary:
    """A file under a name of no meaning, until ``become`` gives it one. It holds a lock, so that a sweep can tell it from one
    that a killed process left.
    """

    def __init__(self, folder: Path) -> None:
        self.fd, self._path = _locked_file(folder)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self.fd, view) :]

    def append(self, source_fd: int, length: int) -> None:
        """The first ``length`` bytes of another file, without passing through this process where the system can."""
        done = 0
        while done < length:
            step = _copy_some(source_fd, self.fd, done, min(_COPY_BYTES, length - done))
            if step == 0:
                raise OSError(errno.EIO, "a file became shorter while it was copied")
            done += step

    def sync(self) -> None:
        durable.sync_file(self.fd)

    def become(self, path: Path) -> None:
        """Raises FileNotFoundError when the folder is not there; synced when it returns."""
        durable.rename(self._path, path)

    def close(self) -> None:
        """Forgets the file unless it became something."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        os.close(self.fd)

    def __enter__(self) -> "Temporary":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _copy_some(source_fd: int, target_fd: int, offset: int, length: int) -> int:
    try:
        return os.copy_file_range(source_fd, target_fd, length, offset)
    except OSError as error:
        if error.errno not in _NO_COPY:
            raise
    return os.write(target_fd, os.pread(source_fd, min(length, 2**20), offset))


def _locked_file(folder: Path) -> tuple[int, Path]:
    while True:
        path = folder / secrets.token_hex(12)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        if os.fstat(fd).st_nlink:  # a sweep came between the two lines above
            return fd, path
        os.close(fd)


def sweep(folder: Path) -> None:
    """Removes the temporaries of processes that are gone, and folders: those were to be removed."""
    for path in list(folder.iterdir()):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
            continue
        with contextlib.suppress(FileNotFoundError, BlockingIOError), locked(path, wait=False):
            path.unlink()


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True, create: bool = False) -> Iterator[None]:
    """One thread of one process at a time. Raises BlockingIOError if it may not wait, FileNotFoundError."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


def lock_of(folder: Path, name: str) -> Path:
    """The lock file that stands for ``name``, shared with some others."""
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=2).digest()) % _LOCKS
    return folder / f"{number:03d}"
