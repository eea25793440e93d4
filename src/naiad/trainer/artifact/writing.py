"""The errors of a folder that cannot be written, for people: shared by artifacts, checkpoints, run folders and reports."""

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from naiad import durable
from naiad.errors import DiskFailed, DiskFull, FolderError


def ensure_writable(folder: Path) -> None:
    """Creates the folder unless it is there, and proves that it can be written. Raises FolderError, DiskFull, DiskFailed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".writable-", suffix=durable.PARTIAL):
            pass
    except OSError as error:
        if durable.is_disk_full(error):
            raise _disk_full(folder) from error
        raise _other_error(folder, error) from error


@contextmanager
def translate_errors(folder: Path) -> Iterator[None]:
    """Raises DiskFull where the block fails because the disk is full, DiskFailed where the disk has failed, FolderError where
    ``folder`` cannot be written.
    """
    try:
        yield
    except Exception as error:
        if durable.is_disk_full(error):
            raise _disk_full(folder) from error
        if isinstance(error, OSError):
            raise _other_error(folder, error) from error
        raise


@contextmanager
def remove_on_failure(partial: Path) -> Iterator[None]:
    """Removes ``partial``, the file or folder that the block writes, when the block fails. Translates errors."""
    with translate_errors(partial.parent):
        try:
            yield
        except BaseException:
            durable.remove(partial)
            raise


def _disk_full(folder: Path) -> DiskFull:
    return DiskFull(
        f"no room is left on the disk of {folder}; the partial file is gone and what was saved before stays",
        hint="make room, or name a folder on another disk",
    )


def _other_error(folder: Path, error: OSError) -> DiskFailed | FolderError:
    reason = (error.strerror or str(error)).lower()
    if error.errno == errno.EIO:
        return DiskFailed(
            f"the disk of {folder} fails: {reason}; what was saved before stays",
            hint="look at the disk, and go on with resume=True, or from a copy of the folder on another disk",
        )
    return FolderError(f"the folder {folder} cannot be written: {reason}", hint="name another folder")
