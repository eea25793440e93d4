"""What stays of a job on this disk: after its end its small files, after its deletion nothing.

An instance's folder holds the program's files (``ml``, ``tmp``, ``work``), which are many and large and are stored elsewhere
when the job has ended, and small ones: log, metrics, what was asked and reported. The first go with the job's end.

A deletion moves the whole folder to ``<state>/deleted`` under a name that says which job it was, then the store forgets the
job, then the folder goes. So a new job of the same name never meets the files of the old one, and a server that was killed on
the way knows what to do: a job that is still in the store gets its folder back, others are wholly forgotten.
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

from naiad import durable
from naiad.service.contract.object_cache import Cache
from naiad.service.domain.errors import NotFound, ServiceError
from naiad.service.domain.job import Job, JobKind
from naiad.service.jobs.layout import job_folder
from naiad.service.jobs.trees import PROGRAM_FOLDERS, folders, remove_program_files, remove_tree
from naiad.service.store.port import Store
from naiad.service.store.records import micros

_LOG = logging.getLogger(__name__)
_DELETED = "deleted"


def put_aside(state_folder: Path, job: Job) -> Path | None:
    """Out of the way of a new job of this name, in one step and on disk. None where there is no folder (any more)."""
    aside, place = _aside(state_folder, job), job_folder(state_folder, job.kind, job.name)
    aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        durable.rename(place, aside)
    except FileNotFoundError:
        return None
    durable.sync_folder(place.parent)
    return aside


def put_back(state_folder: Path, job: Job) -> None:
    """As if it had never been put aside."""
    aside, place = _aside(state_folder, job), job_folder(state_folder, job.kind, job.name)
    if aside.is_dir() and not place.exists():
        aside.rename(place)


def tidy(folder: Path, *, has_ended: Callable[[], bool]) -> None:
    """Removes what the programs of all attempts left; the small files stay. Raises OSError.

    ``has_ended`` is asked when the folder is held, so that a job of the same name that takes its place meanwhile is safe.
    """
    with _held(folder) as same:
        if same is None or not has_ended():
            return
        for instance in _instance_folders(same):
            remove_program_files(instance)


@dataclass
class CleanupWorker:
    """Does the slow part of it in a thread of its own; at its start, what a killed server left undone."""

    store: Store
    state_folder: Path
    cache_bytes: int | None = None
    """How large what jobs fetch may stay on this disk; None is a tenth of it."""
    shrink_every_s: float = 60.0
    _shrunk_at_s: float = -math.inf
    _todo: "queue.SimpleQueue[Callable[[], None] | None]" = field(default_factory=queue.SimpleQueue)

    def ended(self, job: Job) -> None:
        """Has it tidied soon."""
        self._todo.put(lambda: self._tidy(job.kind, job.name))
        self._todo.put(self._shrink)

    def put_aside(self, folder: Path) -> None:
        """Has it removed soon, or put back should the store have kept the job."""
        self._todo.put(lambda: self._settle(folder))

    def stop(self) -> None:
        """``run`` returns when it has done what it was given before."""
        self._todo.put(None)

    def run(self) -> None:
        self._guarded(self.sweep)
        while (work := self._todo.get()) is not None:
            self._guarded(work)

    def sweep(self) -> None:
        """What was left undone: deletions first, then the folders of jobs that have ended, then the cache."""
        for kind in JobKind:
            for folder in folders(self.state_folder / _DELETED / kind):
                self._settle(folder)
        for kind, name in _untidied(self.state_folder):
            self._tidy(kind, name)
        self._shrink()

    def _shrink(self) -> None:
        """Looks at all of its files, so not after each of many short jobs."""
        now_s = time.monotonic()
        if now_s >= self._shrunk_at_s + self.shrink_every_s:
            self._shrunk_at_s = now_s
            Cache(self.state_folder / "cache").shrink(self.cache_bytes)

    def _tidy(self, kind: JobKind, name: str) -> None:
        def has_ended() -> bool:
            job = self._job(kind, name)
            return job is not None and job.status.is_final

        tidy(job_folder(self.state_folder, kind, name), has_ended=has_ended)

    def _settle(self, folder: Path) -> None:
        name, _, created_us = folder.name.rpartition(".")
        job = self._job(JobKind(folder.parent.name), name)
        if job is not None and str(micros(job.created_at)) == created_us:
            put_back(self.state_folder, job)
        else:
            remove_tree(folder)

    def _job(self, kind: JobKind, name: str) -> Job | None:
        try:
            return self.store.get(kind, name)
        except NotFound:
            return None

    @staticmethod
    def _guarded(work: Callable[[], None]) -> None:
        """What could not be removed is tried again when the server starts again."""
        try:
            work()
        except (OSError, ServiceError) as error:
            _LOG.warning("old files are not removed: %s", error)


def _aside(state_folder: Path, job: Job) -> Path:
    return state_folder / _DELETED / job.kind / f"{job.name}.{micros(job.created_at)}"


@contextmanager
def _held(folder: Path) -> Iterator[Path | None]:
    """A path that stays this folder's, whatever is renamed; None where there is none."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield None
        return
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _untidied(state_folder: Path) -> Iterator[tuple[JobKind, str]]:
    """Jobs that have a folder of their programs, running ones among them."""
    for kind in JobKind:
        for folder in folders(state_folder / "jobs" / kind):
            if any((one / name).is_dir() for one in _instance_folders(folder) for name in PROGRAM_FOLDERS):
                yield kind, folder.name


def _instance_folders(folder: Path) -> Iterator[Path]:
    for attempt in folders(folder):
        yield from folders(attempt)
