"""Files that are whole or not there, and digests that tell a flipped bit. Shared by artifacts and checkpoints."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from naiad.errors import ArtifactError, DiskFull, FolderError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_TEXTS = ("No space left", "Disk quota exceeded", "File too large", "PytorchStreamWriter failed", "unexpected pos")
"""How torch.save and safetensors say it: they raise errors of their own, not OSError."""


def write_file(path: Path, data: bytes) -> None:
    """Temporary file, fsync, rename, fsync of the folder: ``path`` is old or new, never partial."""
    temporary = path.with_name(f".partial-{path.name}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Makes renames in ``folder`` last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def digest(path: Path) -> str:
    """sha256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(folder: Path, digests: Mapping[str, str]) -> None:
    """Raises ArtifactError that names the first file which is missing or differs from its digest."""
    for name, expected in digests.items():
        path = folder / name
        if not path.is_file():
            raise ArtifactError(f"{path} is missing", hint="copy the whole folder again, or train again")
        found = digest(path)
        if found != expected:
            raise ArtifactError(
                f"{path} is damaged: its sha256 begins with {found[:12]}, the manifest says {expected[:12]}",
                hint="copy the whole folder again, or train again",
            )


def ensure_folder(path: Path) -> None:
    """Creates ``path`` and writes a byte into it. Raises FolderError, DiskFull."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".writable-{os.getpid()}"
        probe.write_bytes(b"1")
        probe.unlink()
    except OSError as error:
        if disk_full(error):
            raise _full(path) from error
        raise FolderError(
            f"the folder {path} cannot be written: {error.strerror}",
            hint="name another folder, or change its permissions",
        ) from error


def disk_full(error: BaseException) -> bool:
    """True for the system's own error and for torch's and safetensors', which carry it as text."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    return any(text in str(error) for text in _FULL_TEXTS)


@contextmanager
def saving(partial: Path) -> Iterator[None]:
    """Removes ``partial`` (a file or a folder) when the block fails. Raises DiskFull or FolderError for what the disk says."""
    try:
        yield
    except BaseException as error:
        _remove(partial)
        if disk_full(error):
            raise _full(partial.parent) from error
        if isinstance(error, PermissionError | NotADirectoryError):
            raise FolderError(
                f"{partial.parent} cannot be written: {error.strerror}", hint="name another folder"
            ) from error
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _full(folder: Path) -> DiskFull:
    return DiskFull(
        f"no space is left for {folder}; what was saved before is still there",
        hint="free some space, then go on: --resume",
    )
