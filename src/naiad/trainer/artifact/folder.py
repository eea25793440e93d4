"""An artifact on disk: a folder whose ``naiad.json`` lists every file with its size and sha256; replaced whole or not at all.

A new artifact is written under ``.partial-artifact`` and synced. It counts from the moment when that is renamed to
``.complete-artifact``. Then its files move to their places, naiad.json last. A reader that comes in between reads the files that
have not moved yet from ``.complete-artifact``; where a writer was killed in between, the next one finishes the rename.
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
from naiad.trainer.artifact import checksums, signature, writing

FORMAT, FORMAT_VERSION = "naiad-artifact", 2
RECORD = "naiad.json"
TRUST_VARIABLE = "NAIAD_TRUST_ARTIFACT"
"""Variable of a model's environment: 1 where the one who deploys the model trusts its program.pt2."""
_PARTIAL, _COMPLETE = ".partial-artifact", ".complete-artifact"


@dataclass(frozen=True)
class ArtifactFolder:
    """An artifact whose files have all been checked."""

    folder: Path
    values: Mapping[str, Any]
    """The content of naiad.json."""

    @property
    def is_signed_here(self) -> bool:
        """Whether Naiad wrote it on this machine, and nobody has changed it since."""
        return signature.is_signed_here(self.values)

    def has_file(self, name: str) -> bool:
        return name in self.values["files"]

    def file_path(self, name: str) -> Path:
        return _locate(self.folder, name)

    def damage_error(self, reason: str) -> ArtifactError:
        """The error that says what is wrong with naiad.json; ``reason`` ends its sentence."""
        return ArtifactError(
            f"{self.file_path(RECORD)} {reason}", hint="bring the folder back from a copy, or train it again"
        )


@contextmanager
def replace_artifact(folder: Path) -> Iterator[Path]:
    """An empty folder for the new files; call ``commit`` at the end of the block.

    Raises FolderError, DiskFull; the old artifact stays.
    """
    writing.ensure_writable(folder)
    partial = folder / _PARTIAL
    with writing.remove_on_failure(partial):
        _finish_rename(folder)
        durable.remove(partial)
        partial.mkdir()
        yield partial


def commit(folder: Path, values: Mapping[str, Any], *, is_own: bool = False) -> None:
    """Replaces the artifact by the files in the folder of ``replace_artifact``; ``values`` go into naiad.json.

    is_own: whether Naiad itself made every file of it on this machine; the record is signed then.
    """
    partial, complete = folder / _PARTIAL, folder / _COMPLETE
    names = [_file_name(path, partial) for path in _files_under(partial)]
    for name in names:
        durable.sync_file(partial / name)
    for parent in {(partial / name).parent for name in names}:
        durable.sync_folder(parent)
    files = {name: _file_entry(partial / name) for name in names}
    record = {"format": FORMAT, "format_version": FORMAT_VERSION, **values, "files": files}
    _write_record(partial / RECORD, record, is_own=is_own)
    durable.rename(partial, complete)
    _finish_rename(folder)


def add_files(folder: Path, names: Iterable[str]) -> None:
    """Lists more files of an artifact's folder in its naiad.json.

    The name of a folder adds the files in it; the name of a missing file adds nothing. Only a signed record is signed again.
    Raises ArtifactError, FolderError, DiskFull.
    """
    record = _locate(folder, RECORD)
    with writing.translate_errors(record.parent):
        values = _read_record(folder)
        added = [path for name in names for path in _files_under(folder / name)]
        for path in added:
            durable.sync_file(path)
        files = {**values["files"], **{_file_name(path, folder): _file_entry(path) for path in added}}
        _write_record(record, {**values, "files": files}, is_own=signature.is_signed_here(values))


def _write_record(path: Path, record: Mapping[str, Any], *, is_own: bool) -> None:
    values = signature.sign(record) if is_own else signature.without_signature(record)
    durable.write_file(path, checksums.dumps_with_sha256(values))


def open_artifact_folder(folder: Path) -> ArtifactFolder:
    """Checks every file. Raises ArtifactError that names the one that is missing or damaged."""
    while True:
        values = _read_record(folder)
        try:
            for name, entry in values["files"].items():
                checksums.check_file(_locate(folder, name), entry["sha256"], size=entry["size"])
        except ArtifactError:
            if _read_record(folder) == values:  # otherwise a new artifact has come meanwhile
                raise
        else:
            return ArtifactFolder(folder, values)


def copy_files(artifact: ArtifactFolder, target: Path) -> None:
    """Copies the artifact's files into ``target``, the folder of ``replace_artifact``. Raises ArtifactError for a changed one."""
    for name, entry in artifact.values["files"].items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(artifact.file_path(name), target / name)
        checksums.check_file(target / name, entry["sha256"], size=entry["size"])


def _read_record(folder: Path) -> dict[str, Any]:
    path = _locate(folder, RECORD)
    hint = "bring the folder back from a copy, or train it again"
    try:
        data = path.read_bytes()
    except OSError as error:
        what = f"has no {RECORD}" if folder.is_dir() else "does not exist" if not folder.exists() else "is no folder"
        raise ArtifactError(
            f"{folder} is no artifact: it {what}", hint="give the folder that model.save wrote"
        ) from error
    try:
        values = checksums.loads_object(data)
    except ValueError as error:
        raise ArtifactError(f"{path} is damaged: it is no JSON ({error})", hint=hint) from error
    if values.get("format") != FORMAT:
        raise ArtifactError(
            f"{path} is not of an artifact, or damaged: its format is {values.get('format')!r}", hint=hint
        )
    version = values.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ArtifactError(
            f"{path}: artifact format {version} is newer than this naiad reads ({FORMAT_VERSION})",
            hint="upgrade Naiad: git pull in its clone",
        )
    try:
        record = checksums.loads_with_sha256(data)
        _check_entries(record["files"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{path} is damaged: {error}", hint=hint) from error
    return record


def _check_entries(files: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises ValueError, KeyError, TypeError. No name may lead out of the folder."""
    for name, entry in files.items():
        components = PurePosixPath(name).parts
        if not components or components[0] == "/" or ".." in components:
            raise ValueError(f"it lists {name!r}, which is outside of the folder")
        str(entry["sha256"]), int(entry["size"])


def _finish_rename(folder: Path) -> None:
    """Moves a complete artifact's files to their places and removes the old one's. May be repeated from any point."""
    complete = folder / _COMPLETE
    if not complete.is_dir():
        return
    if (complete / RECORD).exists():
        _move_into_place(folder, complete, _read_record(folder)["files"])
    durable.remove(complete)
    durable.sync_folder(folder)


def _move_into_place(folder: Path, complete: Path, files: Mapping[str, Any]) -> None:
    for name in sorted(_old_file_names(folder) - set(files)):
        durable.remove(folder / name)
    for name in files:
        if (complete / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            durable.rename(complete / name, folder / name)
    (complete / RECORD).replace(folder / RECORD)


def _old_file_names(folder: Path) -> set[str]:
    """Files of the artifact that is being replaced; empty when its naiad.json cannot be read."""
    try:
        files = checksums.loads_with_sha256((folder / RECORD).read_bytes())["files"]
        _check_entries(files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()
    return set(files)


def _locate(folder: Path, name: str) -> Path:
    """The path at which a file of the artifact is now: files of a new one may not have moved yet."""
    complete = folder / _COMPLETE
    return complete / name if (complete / RECORD).exists() and (complete / name).exists() else folder / name


def _files_under(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())


def _file_name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _file_entry(path: Path) -> dict[str, Any]:
    return {"sha256": checksums.file_sha256(path), "size": path.stat().st_size}
