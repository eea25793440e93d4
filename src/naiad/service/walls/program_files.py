"""Reads the files that a program has left in its folders, and never follows a link in them.

The agent sees more than the program does: a followed link to the server's folder would bring its secrets into the model.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Opens without waiting, because the file may have become a pipe."""
_MAX_DEPTH = 256
"""Limit of folders in folders; a program can make as many as it likes."""


@dataclass(frozen=True)
class FolderContent:
    """The names below a folder, sorted."""

    files: tuple[str, ...]
    """Regular files."""
    others: tuple[str, ...]
    """Links, pipes, sockets, devices and folders that lie too deep."""


def list_folder(ml: Path, folder: str) -> FolderContent:
    """Lists a folder below ``ml``. A missing folder is empty; a link in the place of a folder is one of the ``others``."""
    files: list[str] = []
    others: list[str] = []
    queue = [""]
    while queue:
        prefix = queue.pop()
        try:
            with _open_folder(ml, f"{folder}/{prefix}") as descriptor, os.scandir(descriptor) as entries:
                for entry in entries:
                    name = f"{prefix}{entry.name}"
                    if entry.is_dir(follow_symlinks=False) and name.count("/") < _MAX_DEPTH:
                        queue.append(f"{name}/")
                    else:
                        (files if entry.is_file(follow_symlinks=False) else others).append(name)
        except FileNotFoundError:
            continue
        except OSError:
            others.append(prefix or ".")
    return FolderContent(tuple(sorted(files)), tuple(sorted(others)))


def open_file(ml: Path, name: str) -> IO[bytes]:
    """Opens a regular file below ``ml``. Raises OSError when there is none, or when a link is on the way."""
    path = PurePosixPath(name)
    with _open_folder(ml, str(path.parent)) as folder:
        descriptor = os.open(path.name, _FILE_FLAGS, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "it is not a regular file", name)
    return os.fdopen(descriptor, "rb")


def read_text(ml: Path, name: str, *, max_chars: int) -> str:
    """Returns the beginning of a text file below ``ml``; "" when it cannot be opened.

    Leaves out NUL characters, which not every database accepts.
    """
    try:
        with open_file(ml, name) as file:
            return file.read(4 * max_chars).decode("utf-8", "replace").replace("\0", "").strip()[:max_chars]
    except OSError:
        return ""


@contextlib.contextmanager
def _open_folder(ml: Path, name: str) -> Iterator[int]:
    descriptor = os.open(ml, _FOLDER_FLAGS)
    try:
        for part in PurePosixPath(name).parts:
            inner = os.open(part, _FOLDER_FLAGS, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)
