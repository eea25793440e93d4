"""Opens the database of a server, and repairs it first where it is damaged, or empty beside the folders of jobs.

A new database is filled with the rows that can still be read, then, for tables of which some cannot, with those of the last
backup, then with the jobs of their folders. The damaged one is kept.
"""

import datetime as dt
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from naiad import durable
from naiad.errors import FolderError, InputError
from naiad.service.backup import DATABASE, read_manifest
from naiad.service.jobs.rebuild import add_missing_jobs, has_job_folders
from naiad.service.restore import DAMAGED_MARK, REBUILD_MARK, check_backup, find_backup, replace_database
from naiad.service.store.open import open_store, sqlite_file
from naiad.service.store.row_check import find_first_damage, remove_damaged_rows
from naiad.service.store.schema import metadata
from naiad.service.store.soundness import copy_rows, find_obvious_damage, has_rows
from naiad.service.store.sql import SqlStore

_LOG = logging.getLogger(__name__)
_CHECKED_AT_START_BYTES = 8 * 2**20
"""A larger database is checked while the server runs, so that it starts as fast as before."""
_PAUSE_S = 0.005
"""A check of the rows pauses so long after every few hundred, so that requests are answered meanwhile."""
_TABLES = tuple(table.name for table in metadata.sorted_tables if table.name != "naiad_version")
_JOBS_TABLE = "naiad_jobs"


@dataclass(frozen=True)
class DatabaseRepair:
    state: Path
    database: str | None
    """The address of ``--database``; None without one."""
    backups: Path | None
    """The folder of the server's own backups."""

    def open_store(self, *, now: dt.datetime, on_full: Callable[[], object]) -> SqlStore:
        """Returns the store of a sound database. Raises as ``store.open.open_store`` does, and FolderError."""
        address = self.database if self.database is not None else self.state
        path = sqlite_file(self.state, self.database)
        if path is None:
            return open_store(address, on_full=on_full)
        try:
            damage = self._find_damage(path)
            if damage is not None:
                self._repair(path, damage, now)
            store = open_store(address, on_full=on_full)
            mark = self.state / REBUILD_MARK
            if damage is not None or mark.exists() or self._is_empty_beside_jobs(path):
                _LOG.warning("%d jobs were rebuilt from their folders", add_missing_jobs(store, self.state))
                durable.remove(mark)
        except OSError as error:
            raise FolderError(f"database {path} cannot be opened: {error.strerror or error}") from error
        return store

    def check(self) -> None:
        """Checks the whole database of a running server. Leaves word for the next start, and logs it. Raises OSError."""
        path = sqlite_file(self.state, self.database)
        damage = None if path is None else find_first_damage(path, pause_s=_PAUSE_S)
        if damage is not None:
            _LOG.error("the database is damaged: %s; it is repaired when the server is started again", damage)
            durable.ensure_content(self.state / DAMAGED_MARK, damage.encode("utf-8", "replace"), mode=0o600)

    def _find_damage(self, path: Path) -> str | None:
        with suppress(FileNotFoundError, UnicodeDecodeError):
            return (self.state / DAMAGED_MARK).read_text(encoding="utf-8")
        if not path.exists() or path.stat().st_size == 0:
            return "it is empty, and there are folders of jobs beside it" if has_job_folders(self.state) else None
        if path.stat().st_size <= _CHECKED_AT_START_BYTES:
            return find_first_damage(path)
        return find_obvious_damage(path)

    def _is_empty_beside_jobs(self, path: Path) -> bool:
        return not has_rows(path, _JOBS_TABLE) and has_job_folders(self.state)

    def _repair(self, path: Path, damage: str, now: dt.datetime) -> None:
        _LOG.error("the database %s is damaged: %s; it is repaired", path, damage)
        new = path.with_name(path.name + ".repaired")
        for ending in ("", "-journal"):
            durable.remove(new.with_name(new.name + ending))
        open_store(f"sqlite:///{new.absolute()}").close()
        incomplete = [table for table, is_complete in self._salvage(path, new).items() if not is_complete]
        backup = self._find_backup() if incomplete else None
        if backup is not None:
            copy_rows(backup / DATABASE, new, incomplete)
            _LOG.warning("rows that cannot be read were taken from the backup %s", backup)
        kept = replace_database(path, new, aside=f".damaged-{now:%Y%m%dT%H%M%SZ}")
        for ending in ("", "-journal"):
            durable.remove(new.with_name(new.name + ending))
        durable.remove(self.state / DAMAGED_MARK)
        _LOG.warning("the damaged database is kept as %s", kept)

    def _salvage(self, path: Path, new: Path) -> dict[str, bool]:
        """Copies the rows that can be read, and returns for each table whether these are all."""
        if not path.exists() or path.stat().st_size == 0:
            return dict.fromkeys(_TABLES, False)
        is_complete = copy_rows(path, new, _TABLES)
        for place in remove_damaged_rows(new):
            _LOG.error(place.message)
            is_complete[place.table] = False
        return is_complete

    def _find_backup(self) -> Path | None:
        """Returns the latest backup of the server's own that is whole; None without one."""
        if self.backups is None:
            return None
        try:
            backup = find_backup(self.backups)
            digests = read_manifest(backup)
            check_backup(backup, digests)
        except InputError as error:
            _LOG.warning("no backup helps: %s", error)
            return None
        return backup if DATABASE in digests else None
