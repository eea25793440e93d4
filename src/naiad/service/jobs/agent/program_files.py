"""What a program has left in its folders, read with suspicion: no link that it has laid is followed, wherever it stands.

The agent sees more than the program does: a link at the server's state would bring that into the model.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Without waiting, since it may be a pipe by now."""
_DEEPEST = 256
"""Folders in folders; a program can make as many as it likes."""


@dataclass(frozen=True)
class Left:
    files: tuple[str, ...]
    """Regular files, by their names below the folder, sorted."""
    others: tuple[str, ...]
    """Links, pipes, sockets, devices and what lies too deep, which are left alone."""


def look(ml: Path, folder: str) -> Left:
    """In the folder below ``ml``. Nothing where it is no folder (any more); a link in its place is one of the others."""
    files: list[str] = []
    others: list[str] = []
    waiting = [""]
    while waiting:
        place = waiting.pop()
        try:
            with _opened_folder(ml, f"{folder}/{place}") as descriptor, os.scandir(descriptor) as entries:
                for entry in entries:
                    name = f"{place}{entry.name}"
                    if entry.is_dir(follow_symlinks=False) and name.count("/") < _DEEPEST:
                        waiting.append(f"{name}/")
                    else:
                        (files if entry.is_file(follow_symlinks=False) else others).append(name)
        except FileNotFoundError:
            continue
        except OSError:
            others.append(place or ".")
    return Left(tuple(sorted(files)), tuple(sorted(others)))


def opened(ml: Path, name: str) -> IO[bytes]:
    """The regular file of that name below ``ml``. Raises OSError where there is none, or where a link leads there."""
    path = PurePosixPath(name)
    with _opened_folder(ml, str(path.parent)) as folder:
        descriptor = os.open(path.name, _FILE, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "it is not a regular file", name)
    return os.fdopen(descriptor, "rb")


def text_of(ml: Path, name: str, *, most_chars: int) -> str:
    """Of a file that need not be there. Without NUL characters, which not every database takes."""
    try:
        with opened(ml, name) as file:
            return file.read(4 * most_chars).decode("utf-8", "replace").replace("\0", "").strip()[:most_chars]
    except OSError:
        return ""


@contextlib.contextmanager
def _opened_folder(ml: Path, name: str) -> Iterator[int]:
    descriptor = os.open(ml, _FOLDER)
    try:
        for part in PurePosixPath(name).parts:
            inner = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)
