"""The sha256 of files, and the errors of a folder that cannot be written: shared by artifacts, checkpoints and run folders.

Knows nothing of what is in the files.
"""

import errno
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from naiad import durable
from naiad.errors import ArtifactError, DiskFull, FolderError

_FOLDER_ERRNOS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR}
_SEAL = "sha256"
_OPEN_SEAL = "0" * 64


def ensure_folder(path: Path) -> None:
    """Creates the folder where there is none, and proves that it can be written. Raises FolderError, DiskFull."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path, prefix=".writable-", suffix=durable.PARTIAL):
            pass
    except OSError as error:
        if durable.is_disk_full(error):
            raise _full(path) from error
        raise FolderError(
            f"the folder {path} cannot be written: {_reason(error)}", hint="name another folder"
        ) from error


def digest(path: Path) -> str:
    """sha256 of the file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(folder: Path, digests: Mapping[str, str]) -> None:
    """Raises ArtifactError that names the first file that is missing or differs from its sha256."""
    for name, expected in digests.items():
        check_file(folder / name, expected)


def check_file(path: Path, expected: str, *, size: int | None = None) -> None:
    """Raises ArtifactError that names the file. ``size``: the bytes it should have, where that is known."""
    hint = "bring the folder back from a copy, or make it again"
    try:
        found, found_size = digest(path), path.stat().st_size
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ArtifactError(f"{path} is missing", hint=hint) from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {_reason(error)}", hint=hint) from error
    if found != expected:
        sizes = f", {found_size:,} bytes for {size:,}" if size not in {None, found_size} else ""
        raise ArtifactError(
            f"{path} is damaged: its sha256 is {found[:12]}, recorded was {expected[:12]}{sizes}", hint=hint
        )


def seal(values: Mapping[str, Any]) -> bytes:
    """JSON that carries the sha256 of its own bytes under ``sha256``: no bit of it can change unseen."""
    text = json.dumps({**values, _SEAL: _OPEN_SEAL}, indent=1, ensure_ascii=False).encode()
    return _with_seal(text, _OPEN_SEAL, hashlib.sha256(text).hexdigest())


def unseal(data: bytes) -> dict[str, Any]:
    """What ``seal`` was given. Raises ValueError when a bit differs."""
    values = json_object(data)
    recorded = values.pop(_SEAL, None)
    if not isinstance(recorded, str) or len(recorded) != len(_OPEN_SEAL):
        raise ValueError("it has no sha256 of its own")
    found = hashlib.sha256(_with_seal(data, recorded, _OPEN_SEAL)).hexdigest()
    if found != recorded:
        raise ValueError(f"its sha256 is {found[:12]}, recorded was {recorded[:12]}")
    return values


def json_object(data: bytes) -> dict[str, Any]:
    """Raises ValueError when it is no JSON, or no object."""
    values = json.loads(data)
    if not isinstance(values, dict):
        raise ValueError(f"it holds {type(values).__name__}, not an object")  # noqa: TRY004  # reason: as json's own
    return values


@contextmanager
def saving(partial: Path) -> Iterator[None]:
    """``partial``: the file or folder being written; it is removed when the block fails. Raises DiskFull, FolderError."""
    try:
        yield
    except BaseException as error:
        durable.remove(partial)
        if isinstance(error, Exception) and durable.is_disk_full(error):
            raise _full(partial.parent) from error
        if isinstance(error, OSError) and error.errno in _FOLDER_ERRNOS:
            raise FolderError(
                f"the folder {partial.parent} cannot be written: {_reason(error)}", hint="name another folder"
            ) from error
        raise


def _full(folder: Path) -> DiskFull:
    return DiskFull(
        f"no room is left on the disk of {folder}; the partial file is gone and what was saved before stays",
        hint="make room, or name a folder on another disk",
    )


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _with_seal(data: bytes, old: str, new: str) -> bytes:
    """The seal is the last key: nothing after it can look the same."""
    before, found, after = data.rpartition(f'"{_SEAL}": "{old}"'.encode())
    if not found:
        raise ValueError("its sha256 is not where it should be")
    return before + f'"{_SEAL}": "{new}"'.encode() + after
