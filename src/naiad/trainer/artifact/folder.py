"""An artifact on disk: a folder whose ``naiad.json`` lists every file with its size and sha256; replaced whole or not at all.

A new artifact is written under ``.partial-artifact`` and synced; renaming that to ``.complete-artifact`` is the moment from which
on the new one counts. Then its files move to their places, naiad.json last. A reader that comes in between reads the ones
that have not moved yet from ``.complete-artifact``; a writer that was killed in between is finished by the next one.
Knows files; knows nothing of models.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from naiad import durable
from naiad.errors import ArtifactError
from naiad.trainer.artifact import manifest

FORMAT, FORMAT_VERSION = "naiad-artifact", 1
RECORD = "naiad.json"
_PARTIAL, _COMPLETE = ".partial-artifact", ".complete-artifact"


@dataclass(frozen=True)
class Opened:
    """An artifact whose files have all been checked."""

    folder: Path
    values: Mapping[str, Any]
    """What naiad.json says."""

    def has(self, name: str) -> bool:
        return name in self.values["files"]

    def path(self, name: str) -> Path:
        return _located(self.folder, name)

    def damaged(self, why: str) -> ArtifactError:
        return ArtifactError(f"{self.path(RECORD)} {why}", hint="bring the folder back from a copy, or train it again")


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """An empty folder to write the new files into; end with ``commit``. Raises FolderError, DiskFull; the old artifact stays."""
    manifest.ensure_folder(folder)
    partial = folder / _PARTIAL
    with manifest.saving(partial):
        _settle(folder)
        durable.remove(partial)
        partial.mkdir()
        yield partial


def commit(folder: Path, values: Mapping[str, Any]) -> None:
    """Puts what was written into ``replacing``'s folder in the place of the artifact that there was."""
    partial, complete = folder / _PARTIAL, folder / _COMPLETE
    names = [_name(path, partial) for path in _files_under(partial)]
    for name in names:
        durable.sync_file(partial / name)
    for parent in {(partial / name).parent for name in names}:
        durable.sync_folder(parent)
    files = {name: _entry(partial / name) for name in names}
    record = {"format": FORMAT, "format_version": FORMAT_VERSION, **values, "files": files}
    durable.write_file(partial / RECORD, manifest.seal(record))
    durable.rename(partial, complete)
    _settle(folder)


def add_files(folder: Path, names: Iterable[str]) -> None:
    """Lists more files of an artifact's folder in its naiad.json; a folder stands for the files in it, a missing name for none.

    Raises ArtifactError, FolderError, DiskFull.
    """
    record = _located(folder, RECORD)
    with manifest.saving(record.with_name(RECORD + durable.PARTIAL)):
        values = _record(folder)
        added = [path for name in names for path in _files_under(folder / name)]
        for path in added:
            durable.sync_file(path)
        files = {**values["files"], **{_name(path, folder): _entry(path) for path in added}}
        durable.write_file(record, manifest.seal({**values, "files": files}))


def open_folder(folder: Path) -> Opened:
    """Checks every file. Raises ArtifactError that names the one that is missing or damaged."""
    while True:
        values = _record(folder)
        try:
            for name, entry in values["files"].items():
                manifest.check_file(_located(folder, name), entry["sha256"], size=entry["size"])
        except ArtifactError:
            if _record(folder) == values:
                raise
        else:
            return Opened(folder, values)


def copy_files(opened: Opened, target: Path) -> None:
    """Into ``replacing``'s folder."""
    for name in opened.values["files"]:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(opened.path(name), target / name)


def _record(folder: Path) -> dict[str, Any]:
    path = _located(folder, RECORD)
    hint = "bring the folder back from a copy, or train it again"
    try:
        data = path.read_bytes()
    except OSError as error:
        what = f"has no {RECORD}" if folder.is_dir() else "does not exist" if not folder.exists() else "is no folder"
        raise ArtifactError(
            f"{folder} is no artifact: it {what}", hint="give the folder that model.save wrote"
        ) from error
    try:
        values = manifest.json_object(data)
    except ValueError as error:
        raise ArtifactError(f"{path} is damaged: it is no JSON ({error})", hint=hint) from error
    if values.get("format") != FORMAT:
        raise ArtifactError(
            f"{path} is not of an artifact, or damaged: its format is {values.get('format')!r}", hint=hint
        )
    version = values.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ArtifactError(
            f"{path}: artifact format {version} is newer than this naiad reads ({FORMAT_VERSION}); upgrade naiad",
            hint="pip install --upgrade naiad",
        )
    try:
        unsealed = manifest.unseal(data)
        _check_entries(unsealed["files"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{path} is damaged: {error}", hint=hint) from error
    return unsealed


def _check_entries(files: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises ValueError, KeyError, TypeError. No name may lead out of the folder."""
    for name, entry in files.items():
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts:
            raise ValueError(f"it lists {name!r}, which is outside of the folder")
        str(entry["sha256"]), int(entry["size"])


def _settle(folder: Path) -> None:
    """Moves a complete artifact's files to their places; what the old one had besides goes. May be repeated from any point."""
    complete = folder / _COMPLETE
    if not complete.is_dir():
        return
    if (complete / RECORD).exists():
        _move_in(folder, complete, _record(folder)["files"])
    durable.remove(complete)
    durable.sync_folder(folder)


def _move_in(folder: Path, complete: Path, files: Mapping[str, Any]) -> None:
    for name in sorted(_listed_before(folder) - set(files)):
        durable.remove(folder / name)
    for name in files:
        if (complete / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            durable.rename(complete / name, folder / name)
    (complete / RECORD).replace(folder / RECORD)


def _listed_before(folder: Path) -> set[str]:
    """Of the artifact in its places; nothing when it cannot be read."""
    try:
        files = manifest.unseal((folder / RECORD).read_bytes())["files"]
        _check_entries(files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()
    return set(files)


def _located(folder: Path, name: str) -> Path:
    complete = folder / _COMPLETE
    return complete / name if (complete / RECORD).exists() and (complete / name).exists() else folder / name


def _files_under(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _entry(path: Path) -> dict[str, Any]:
    return {"sha256": manifest.digest(path), "size": path.stat().st_size}
