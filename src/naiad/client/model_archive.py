"""Packs a model's folder as a model.tar.gz: the same files give the same bytes, so that they are uploaded once."""

import gzip
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from naiad.errors import ArtifactError, InputError

_MANIFEST = "naiad.json"


def pack_model(folder: Path, archive: IO[bytes]) -> None:
    """Writes the files without times and owners; links are followed. Of an artifact it takes neither checkpoints nor reports.

    Raises InputError for an empty folder, ArtifactError for an artifact that is not complete.
    """
    files = _artifact_files(folder) if (folder / _MANIFEST).is_file() else sorted(_visible_files(folder))
    if not files:
        raise InputError(f"{folder} is an empty folder", hint="give the folder that model.save wrote")
    with (
        gzip.GzipFile(filename="", fileobj=archive, mode="wb", mtime=0, compresslevel=1) as compressed,
        tarfile.open(fileobj=compressed, mode="w", dereference=True) as tar,
    ):
        for path in files:
            _add_file(tar, path, path.relative_to(folder).as_posix())


def _add_file(tar: tarfile.TarFile, path: Path, name: str) -> None:
    info = tar.gettarinfo(path, name)
    info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
    info.mode = 0o755 if info.mode & 0o100 else 0o644
    with path.open("rb") as content:
        tar.addfile(info, content)


def _artifact_files(folder: Path) -> list[Path]:
    try:
        names = sorted(json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))["files"])
        files = [folder / _MANIFEST, *(folder / name for name in names)]
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{folder / _MANIFEST} is damaged: {error!r}", hint="save the model again") from error
    outside = [name for name in names if not (folder / name).resolve().is_relative_to(folder.resolve())]
    if outside:
        raise ArtifactError(
            f"the artifact {folder} lists {outside[0]!r}, which is outside of the folder",
            hint="give the folder that model.save wrote",
        )
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise ArtifactError(
            f"the artifact {folder} is not complete: {missing[0]} is missing", hint="save the model again"
        )
    return files


def _visible_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts):
            yield path
