"""The sha256 of files, and JSON that carries its own: artifacts, checkpoints and run folders are checked with them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from naiad.errors import ArtifactError

_KEY = "sha256"
_PLACEHOLDER = "0" * 64


def file_sha256(path: Path) -> str:
    """sha256 of the file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_files(folder: Path, digests: Mapping[str, str]) -> None:
    """Raises ArtifactError that names the first file that is missing or differs from its sha256."""
    for name, expected in digests.items():
        check_file(folder / name, expected)


def check_file(path: Path, expected: str, *, size: int | None = None) -> None:
    """Raises ArtifactError that names the file where it is missing or differs. ``size``: its recorded bytes, if known."""
    hint = "bring the folder back from a copy, or make it again"
    try:
        actual, actual_size = file_sha256(path), path.stat().st_size
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ArtifactError(f"{path} is missing", hint=hint) from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}", hint=hint) from error
    if actual != expected:
        sizes = f", {actual_size:,} bytes for {size:,}" if size not in {None, actual_size} else ""
        raise ArtifactError(
            f"{path} is damaged: its sha256 is {actual[:12]}, recorded was {expected[:12]}{sizes}", hint=hint
        )


def dumps_with_sha256(values: Mapping[str, Any]) -> bytes:
    r"""JSON whose last key, ``sha256``, is the digest of its own bytes: a change of any bit is found.

    A file's name that is not UTF-8 is read back as it was: JSON writes its half characters as ``\udce9``.
    """
    text = json.dumps({**values, _KEY: _PLACEHOLDER}, indent=1, ensure_ascii=False).encode(errors="backslashreplace")
    return _replace_digest(text, _PLACEHOLDER, hashlib.sha256(text).hexdigest())


def loads_with_sha256(data: bytes) -> dict[str, Any]:
    """The values that ``dumps_with_sha256`` was given. Raises ValueError when a bit differs."""
    values = loads_object(data)
    recorded = values.pop(_KEY, None)
    if not isinstance(recorded, str) or len(recorded) != len(_PLACEHOLDER):
        raise ValueError("it has no sha256 of its own")
    actual = hashlib.sha256(_replace_digest(data, recorded, _PLACEHOLDER)).hexdigest()
    if actual != recorded:
        raise ValueError(f"its sha256 is {actual[:12]}, recorded was {recorded[:12]}")
    return values


def loads_object(data: bytes) -> dict[str, Any]:
    """A JSON object. Raises ValueError when ``data`` is no JSON, or no object."""
    values = json.loads(data)
    if not isinstance(values, dict):
        raise ValueError(f"it holds {type(values).__name__}, not an object")  # noqa: TRY004  # reason: as json's own
    return values


def _replace_digest(data: bytes, old: str, new: str) -> bytes:
    """Replaces the last one: the key stands at the end, so nothing after it can look the same."""
    before, separator, after = data.rpartition(f'"{_KEY}": "{old}"'.encode())
    if not separator:
        raise ValueError("its sha256 is not where it should be")
    return before + f'"{_KEY}": "{new}"'.encode() + after
