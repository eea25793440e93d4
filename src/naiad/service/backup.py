"""Copies of what a server keeps: the database, keys and certificate authority; with objects and logs where that is asked for.

A backup is a folder ``naiad-<UTC time>`` of files in the places that they have in the state folder, and ``backup.json`` with
the sha256 of each. It is written under another name and renamed when it is whole. The server may run meanwhile.
"""

import contextlib
import datetime as dt
import fcntl
import hashlib
import json
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from naiad import durable
from naiad.errors import FolderError, InputError
from naiad.service.domain.clock import Clock
from naiad.service.store.open import sqlite_file
from naiad.service.store.soundness import find_damage

_LOG = logging.getLogger(__name__)
MANIFEST = "backup.json"
DATABASE = "naiad.db"
"""Name of the database in a backup, wherever it lies."""
SECRETS = ("keys.json", "aws-hosts/authority.pem")
FORMAT_VERSION = 1
_PREFIX, _TIME_FORMAT = "naiad-", "%Y%m%dT%H%M%S.%fZ"
_PARTIAL = ".partial-"
_LOCK_FILE = ".lock"
_PROGRAM_FOLDERS = frozenset(("ml", "tmp", "work"))
_INSTANCE_DEPTH = 5
"""The parts of jobs/<kind>/<name>/<attempt>/<host>, in which the program's folders are."""
_BLOCK_BYTES = 2**20
_BUSY_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class BackupSchedule:
    """Backups that a running server makes."""

    folder: Path
    every_s: float = 86_400.0
    keep: int = 7
    """The latest ones that stay."""
    with_objects: bool = False


@dataclass(frozen=True)
class BackupReport:
    path: Path
    files: int
    size_bytes: int
    without_database: bool
    """Whether the database is a PostgreSQL, which has backups of its own."""


@dataclass(frozen=True)
class ScheduledBackups:
    """The backups of a running server."""

    state: Path
    database: str | None
    schedule: BackupSchedule
    clock: Clock

    def make(self) -> None:
        """Makes a backup, and removes the oldest ones once it is whole. Raises FolderError, InputError."""
        schedule, now = self.schedule, self.clock.now()
        report = make_backup(
            self.state, schedule.folder, now=now, database=self.database, with_objects=schedule.with_objects
        )
        remove_old_backups(schedule.folder, schedule.keep)
        _LOG.info("a backup of %d files is in %s", report.files, report.path)

    def first_after_s(self) -> float:
        """Returns the seconds until the next one is due: a server that is started often makes no more than one that runs on."""
        latest = list_backups(self.schedule.folder)[-1:]
        try:
            age_s = (self.clock.now() - made_at(latest[0])).total_seconds()
        except (IndexError, ValueError):
            return 0.0
        return max(0.0, self.schedule.every_s - age_s) if age_s >= 0 else 0.0


def make_backup(
    state: Path, folder: Path, *, now: dt.datetime, database: str | None = None, with_objects: bool = False
) -> BackupReport:
    """Returns when the backup is on disk. ``database``: as the server was given it.

    Raises FolderError, and InputError for a database that is damaged: the backups before it stay.
    """
    if not (state / "keys.json").exists():
        raise FolderError(f"no server has run on {state}", hint="name its state folder: --state")
    name = _PREFIX + now.strftime(_TIME_FORMAT)
    partial, path = folder / f"{_PARTIAL}{name}", folder / name
    try:
        durable.make_private_folder(folder)
        with _exclusive(folder):
            partial.mkdir(mode=0o700)
            try:
                source = sqlite_file(state, database)
                if source is not None:
                    _copy_database(source, partial / DATABASE)
                for relative in _files(state, with_objects=with_objects):
                    _copy_file(state / relative, partial / relative)
                report = _write_manifest(partial, now)
                durable.rename(partial, path)
            except BaseException:
                durable.remove(partial)
                raise
    except OSError as error:
        raise FolderError(f"the backup in {folder} cannot be written: {error.strerror or error}") from error
    return BackupReport(path, *report, without_database=source is None)


def list_backups(folder: Path) -> list[Path]:
    """Returns the whole backups, the oldest first."""
    return sorted(path for path in folder.glob(f"{_PREFIX}*") if (path / MANIFEST).is_file())


def remove_old_backups(folder: Path, keep: int) -> None:
    """Keeps the latest ``keep`` backups, at least one, and removes what killed ones have left. Raises OSError."""
    with _exclusive(folder):
        for path in (*list_backups(folder)[: -max(1, keep)], *folder.glob(f"{_PARTIAL}*")):
            durable.remove(path)


def made_at(backup: Path) -> dt.datetime:
    """Returns the time in a backup's name. Raises ValueError."""
    return dt.datetime.strptime(backup.name.removeprefix(_PREFIX), _TIME_FORMAT).replace(tzinfo=dt.UTC)


def read_manifest(backup: Path) -> dict[str, str]:
    """Returns the sha256 of each file by its name. Raises InputError for a backup that is damaged, or of a newer format."""
    try:
        values = json.loads((backup / MANIFEST).read_bytes())
        version, files = int(values["format_version"]), {str(name): str(each) for name, each in values["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{backup / MANIFEST} is missing or damaged: {error}", hint="use another backup") from error
    if version > FORMAT_VERSION:
        raise InputError(f"the backup {backup} has format {version}, newer than this naiad", hint="upgrade naiad")
    if any(Path(name).is_absolute() or ".." in Path(name).parts for name in files):
        raise InputError(f"{backup / MANIFEST} names files outside of the state folder", hint="use another backup")
    return files


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Waits for other processes that make or remove backups there. Raises OSError."""
    descriptor = os.open(folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _copy_database(source: Path, target: Path) -> None:
    """Raises InputError for a damaged one."""
    target.touch(mode=0o600)
    try:
        with (
            contextlib.closing(sqlite3.connect(source, timeout=_BUSY_TIMEOUT_S)) as live,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            copy.execute("PRAGMA synchronous = OFF")
            live.backup(copy)
        damage = find_damage(target)
    except sqlite3.DatabaseError as error:
        damage = str(error)
    if damage is not None:
        raise InputError(
            f"the database {source} is damaged and no backup is made: {damage}",
            hint="start the server again, which repairs it; the backups before this one stay",
        )
    durable.sync_file(target)


def _files(state: Path, *, with_objects: bool) -> Iterator[Path]:
    yield from (Path(name) for name in SECRETS if (state / name).is_file())
    if with_objects:
        yield from _files_below(state, Path("blobs"), skipped=frozenset(("temporary", "locks")))
        yield from _files_below(state, Path("jobs"), skipped=_PROGRAM_FOLDERS)


def _files_below(state: Path, folder: Path, *, skipped: frozenset[str]) -> Iterator[Path]:
    """Yields regular files. Folders of the names in ``skipped`` are left out where they are Naiad's own, not a key's part."""
    with contextlib.suppress(FileNotFoundError):
        for child in sorted((state / folder).iterdir()):
            relative = folder / child.name
            if child.is_symlink():
                continue
            if child.is_dir():
                is_own = folder.parts == ("blobs", ".naiad") or (
                    folder.parts[0] == "jobs" and len(folder.parts) == _INSTANCE_DEPTH
                )
                if not (is_own and child.name in skipped):
                    yield from _files_below(state, relative, skipped=skipped)
            elif child.is_file():
                yield relative


def _copy_file(source: Path, target: Path) -> None:
    """Copies a file that may be replaced or removed meanwhile."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError), source.open("rb") as reader, target.open("xb") as writer:
        target.chmod(0o600)
        shutil.copyfileobj(reader, writer, _BLOCK_BYTES)
        writer.flush()
        durable.sync_file(writer.fileno())


def _write_manifest(folder: Path, now: dt.datetime) -> tuple[int, int]:
    """Returns (number of files, their bytes)."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = {str(path.relative_to(folder)): file_sha256(path) for path in files}
    values = {"format_version": FORMAT_VERSION, "made_at": now.isoformat(), "files": digests}
    durable.write_file(folder / MANIFEST, json.dumps(values, indent=1).encode(), mode=0o600)
    for path in {path.parent for path in files}:
        durable.sync_folder(path)
    return len(files), sum(path.stat().st_size for path in files)
