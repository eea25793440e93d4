"""Brings a state folder back to a backup. Nothing of it is changed unless every file of the backup is whole.

What the backup replaces is kept beside it: the database under ``….before-restore``. Objects and logs that the backup does not
have stay.
"""

import contextlib
import datetime as dt
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from naiad import durable
from naiad.errors import FolderError, InputError
from naiad.service.backup import DATABASE, MANIFEST, SECRETS, file_sha256, list_backups, read_manifest
from naiad.service.store.lock import lock_folder
from naiad.service.store.open import sqlite_file
from naiad.service.store.soundness import find_damage

REBUILD_MARK = "rebuild-jobs"
"""A file that has the next start add the jobs of the folders that the database does not have."""
DAMAGED_MARK = "database-damaged"
"""A file in which a running server leaves what it has found, for the next start."""
_BEFORE = ".before-restore"
_NEW = ".restoring"
_JOURNAL = "-journal"


@dataclass(frozen=True)
class RestoreReport:
    backup: Path
    files: int


def restore(state: Path, folder: Path, *, now: dt.datetime, database: str | None = None) -> RestoreReport:
    """``folder``: a backup, or a folder of backups, of which the latest is taken.

    Raises FolderError when a server has the state folder, InputError for a backup that is missing, damaged or not for this
    database; nothing is changed then.
    """
    backup = find_backup(folder)
    digests = read_manifest(backup)
    check_backup(backup, digests)
    target = sqlite_file(state, database)
    if target is None and DATABASE in digests:
        raise InputError(
            f"the backup {backup} has a SQLite database, which does not go into PostgreSQL",
            hint="restore PostgreSQL with pg_restore; leave --database out to use the backup's",
        )
    lock = lock_folder(state.absolute(), url="naiad restore", since=now)
    try:
        for name in sorted(digests, key=lambda name: (name == DATABASE, name in SECRETS, name)):
            if name == DATABASE and target is not None:
                replace_database(target, backup / DATABASE, aside=_BEFORE)
            elif name != DATABASE:
                _replace_file(backup / name, state / name)
                _make_bucket_of(name, state)
        durable.remove(state / DAMAGED_MARK)
        durable.write_file(state / REBUILD_MARK, b"", mode=0o600)
    except OSError as error:
        raise FolderError(
            f"{state} cannot be written: {error.strerror or error}", hint="try again: naiad restore"
        ) from error
    finally:
        lock.release()
    return RestoreReport(backup, len(digests))


def find_backup(folder: Path) -> Path:
    """Returns ``folder`` itself, or the latest backup in it. Raises InputError."""
    if (folder / MANIFEST).is_file():
        return folder
    found = list_backups(folder)
    if not found:
        raise InputError(f"there is no backup in {folder}", hint="make one: naiad backup FOLDER")
    return found[-1]


def check_backup(backup: Path, digests: dict[str, str]) -> None:
    """Raises InputError that names the first file that is missing or damaged."""
    for name, expected in digests.items():
        try:
            actual = file_sha256(backup / name)
        except OSError as error:
            raise InputError(f"{backup / name} cannot be read: {error.strerror}", hint="use another backup") from error
        if actual != expected:
            raise InputError(f"{backup / name} is damaged: it has another sha256", hint="use another backup")
    if DATABASE in digests:
        with contextlib.suppress(sqlite3.OperationalError):
            if damage := find_damage(backup / DATABASE):
                raise InputError(f"{backup / DATABASE} is damaged: {damage}", hint="use another backup")


def replace_database(path: Path, new: Path, *, aside: str) -> Path | None:
    """Puts a copy of ``new`` in the place of a database, which is kept under ``<name><aside>``. Returns where; None without one.

    A kill leaves the old one or the new one. The journal of the old one goes with it: SQLite would play it back into the new
    one. Raises OSError.
    """
    copy = path.with_name(path.name + _NEW)
    shutil.copyfile(new, copy)
    copy.chmod(0o600)
    durable.sync_file(copy)
    kept = path.with_name(path.name + aside) if path.exists() else None
    if kept is not None:
        for ending in (_JOURNAL, ""):
            old = path.with_name(path.name + ending)
            durable.remove(kept.with_name(kept.name + ending))
            if old.exists():
                kept.with_name(kept.name + ending).hardlink_to(old)
    durable.remove(path.with_name(path.name + _JOURNAL))
    durable.rename(copy, path)
    return kept


def _make_bucket_of(name: str, state: Path) -> None:
    """Makes the folder of a bucket whose marker was restored: one without objects has no other file."""
    parts = Path(name).parts
    if parts[:3] == ("blobs", ".naiad", "buckets"):
        (state / "blobs" / parts[3]).mkdir(mode=0o700, exist_ok=True)


def _replace_file(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name[:100]}{_NEW}")
    shutil.copyfile(source, partial)
    partial.chmod(0o600)
    durable.sync_file(partial)
    durable.rename(partial, target)
