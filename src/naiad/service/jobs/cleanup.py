"""Removes what jobs leave on this disk: the files of the programs of ended jobs, the folders of deleted jobs, old cached objects.

An instance's folder holds the program's files (``ml``, ``tmp``, ``work``), which are many and large and are stored elsewhere when
the job has ended, and small files: log, metrics, spec and report. The first are removed when the job ends, the others are kept.
"""

import logging
import math
import os
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from naiad.service.contract.object_cache import ObjectCache
from naiad.service.domain.errors import NotFound, ServiceError
from naiad.service.domain.job import Job, JobKind
from naiad.service.jobs.layout import job_folder
from naiad.service.jobs.trash import finish_deletion, trashed_folders
from naiad.service.store.port import Store
from naiad.service.walls.removal import PROGRAM_FOLDERS, remove_program_files, subfolders

_LOG = logging.getLogger(__name__)


def remove_files_of_programs(folder: Path, *, has_ended: Callable[[], bool]) -> None:
    """Removes what the programs of all attempts of a job left, and keeps the small files. ``folder`` is the job's.

    ``has_ended`` is called when the folder is open, so that a new job of the same name is safe. Raises OSError.
    """
    with _open_folder(folder) as opened:
        if opened is None or not has_ended():
            return
        for instance in _instance_folders(opened):
            remove_program_files(instance)


@dataclass
class CleanupWorker:
    """Removes files in a thread of its own. It begins with what a killed server has left."""

    store: Store
    state_folder: Path
    cache_bytes: int | None = None
    """Limit of the cache of fetched objects; None is a tenth of the disk."""
    shrink_interval_s: float = 60.0
    _shrunk_at_s: float = -math.inf
    _tasks: "queue.SimpleQueue[Callable[[], None] | None]" = field(default_factory=queue.SimpleQueue)

    def job_ended(self, job: Job) -> None:
        """Queues the removal of the files of the job's programs."""
        self._tasks.put(lambda: self._clean_up_job(job.kind, job.name))
        self._tasks.put(self._shrink_cache)

    def job_deleted(self, trashed: Path) -> None:
        """Queues the removal of a folder in the trash, which is restored instead when the store has kept the job."""
        self._tasks.put(lambda: finish_deletion(self.store, self.state_folder, trashed))

    def stop(self) -> None:
        """Makes ``run`` return when it has done what was queued before."""
        self._tasks.put(None)

    def run(self) -> None:
        self._try(self.clean_up_all)
        while (task := self._tasks.get()) is not None:
            self._try(task)

    def clean_up_all(self) -> None:
        """Does what a killed server has left undone: deletions first, then the folders of ended jobs, then the cache."""
        for folder in trashed_folders(self.state_folder):
            finish_deletion(self.store, self.state_folder, folder)
        for kind, name in _jobs_with_program_files(self.state_folder):
            self._clean_up_job(kind, name)
        self._shrink_cache()

    def _shrink_cache(self) -> None:
        """Shrinks the cache, but not after each of many short jobs: it must look at all files."""
        now_s = time.monotonic()
        if now_s >= self._shrunk_at_s + self.shrink_interval_s:
            self._shrunk_at_s = now_s
            ObjectCache(self.state_folder / "cache").shrink(self.cache_bytes)

    def _clean_up_job(self, kind: JobKind, name: str) -> None:
        def has_ended() -> bool:
            try:
                return self.store.get(kind, name).status.is_final
            except NotFound:
                return False

        remove_files_of_programs(job_folder(self.state_folder, kind, name), has_ended=has_ended)

    @staticmethod
    def _try(task: Callable[[], None]) -> None:
        """Runs a task. What could not be removed is tried again when the server starts again."""
        try:
            task()
        except (OSError, ServiceError) as error:
            _LOG.warning("old files are not removed: %s", error)


@contextmanager
def _open_folder(folder: Path) -> Iterator[Path | None]:
    """Yields a path that leads to the same folder even when it is renamed; None when there is no folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield None
        return
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _jobs_with_program_files(state_folder: Path) -> Iterator[tuple[JobKind, str]]:
    """Yields the jobs that have files of their programs, running ones among them."""
    for kind in JobKind:
        for folder in subfolders(state_folder / "jobs" / kind):
            if any((instance / name).is_dir() for instance in _instance_folders(folder) for name in PROGRAM_FOLDERS):
                yield kind, folder.name


def _instance_folders(folder: Path) -> Iterator[Path]:
    for attempt in subfolders(folder):
        yield from subfolders(attempt)
