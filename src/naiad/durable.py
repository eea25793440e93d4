"""Files that survive a crash. The standard library only, and light to import.

A crash is a kill of the process or a loss of power. Each function says what a reader finds after a crash at any point of it,
and what is certain once it has returned. Knows files and folders; knows nothing of what is in them.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

PARTIAL = ".partial"
"""Ending of a file that is being written."""

_MODE_BITS = 0o777
_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT})
_TROUBLE_ERRNOS = _FULL_ERRNOS | {errno.EIO, errno.EROFS}
_FULL_TEXTS = ("PytorchStreamWriter failed", "inline_container.cc", "No space left on device", "Disk quota exceeded")
"""Texts with which torch.save and safetensors report a full disk: their errors are no OSError."""


def write_file(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Writes a file, or replaces it. ``mode``: its exact permissions; None: what the umask allows.

    After a crash a reader finds the old file (or none) or the new one, never a part of it. The file ``<name>.partial`` may be
    left; the next write of the same file uses it up. Only one thread or process may write a file at a time.
    Raises OSError; the old file stays then, and the partial one is removed.
    """
    partial = path.with_name(path.name + PARTIAL)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(partial, flags, 0o666 if mode is None else mode), "wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        remove(partial)
        raise
    sync_folder(path.parent)


def ensure_content(path: Path, data: bytes, *, mode: int) -> None:
    """Writes a file as ``write_file`` does, unless it has this content and mode: then the disk may be full. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_mode & _MODE_BITS == mode and path.read_bytes() == data:
            return
    write_file(path, data, mode=mode)


def ensure_file(path: Path, *, mode: int) -> None:
    """Creates an empty file unless it is there, and sets its permissions. Never follows a link. Raises OSError.

    After a crash the file is there with its content, or missing; it is there for certain once this has returned.
    Writes nothing for a file that is there, so the disk may be full then.
    """
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
    if is_new:
        sync_folder(path.parent)


def rename(source: Path, target: Path) -> None:
    """Renames a file or folder whose content has been synced; a file at ``target`` is replaced. Raises OSError.

    After a crash a reader finds it under one of the two names; under ``target`` for certain once this has returned.
    Between two folders a loss of power may bring the old name back besides the new one: sync ``source``'s folder where
    that matters.
    """
    source.replace(target)
    sync_folder(target.parent)


def make_folders(base: Path, names: Iterable[str]) -> Path:
    """Returns the folder ``base/name/name/…``. Makes those that are missing, for their owner only.

    After a crash the first few of them exist; all for certain once this has returned.
    Raises FileNotFoundError where ``base`` is missing, OSError.
    """
    folder = base
    for name in names:
        child = folder / name
        with contextlib.suppress(FileExistsError):
            child.mkdir(mode=0o700)
            sync_folder(folder)
        folder = child
    return folder


def make_private_folder(path: Path) -> None:
    """Makes a folder with its parents, or takes the one that is there; afterwards only its owner may enter. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)


def sync_file(file: Path | int) -> None:
    """Makes the content of a file durable: one that another library has written, or an open descriptor. Raises OSError."""
    if isinstance(file, int):
        os.fsync(file)
    else:
        _sync(file, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Makes the names in a folder durable: what was created, renamed or removed in it. Raises OSError."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def remove(path: Path) -> None:
    """Removes a file, or a folder with all that is in it as far as possible. Does nothing when there is none.

    A crash may leave a part of a folder, and may bring a removed file back.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def is_disk_full(error: BaseException) -> bool:
    """Whether the error, or one that it came from, says that the disk is full or the quota is used up."""
    cause: BaseException | None = error
    seen: set[int] = set()  # an error that is raised again may come from one that came from it
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, OSError):
            if cause.errno in _FULL_ERRNOS:
                return True
        elif any(text in str(cause) for text in _FULL_TEXTS):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def is_disk_trouble(error: BaseException) -> bool:
    """Whether the error, or one that it came from, says that a disk is full, fails, or may only be read."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, OSError) and cause.errno in _TROUBLE_ERRNOS:
            return True
        cause = cause.__cause__ or cause.__context__
    return is_disk_full(error)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
