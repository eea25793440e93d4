"""Deleted jobs: their folders wait in <state>/deleted until the store has forgotten the job.

A deletion moves the job's folder to the trash, under a name that says which job it was; then the store forgets the job; then the
folder is removed. So a new job of the same name never meets the files of the old one. A server that was killed on the way knows
what to do: a job that is still in the store gets its folder back, and all other folders in the trash are removed.
"""

from collections.abc import Iterator
from pathlib import Path

from naiad import durable
from naiad.service.domain.errors import NotFound
from naiad.service.domain.job import Job, JobKind
from naiad.service.executors.instance_files import translate_disk_full
from naiad.service.jobs.layout import job_folder
from naiad.service.store.port import Store
from naiad.service.store.timestamps import to_epoch_us
from naiad.service.walls.removal import remove_tree, subfolders

_TRASH = "deleted"


def move_to_trash(state_folder: Path, job: Job) -> Path | None:
    """Returns the folder in the trash, which is on disk when this returns; None when the job has no folder."""
    trashed, folder = _trash_folder(state_folder, job), job_folder(state_folder, job.kind, job.name)
    with translate_disk_full("the trash"):
        trashed.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            durable.rename(folder, trashed)
        except FileNotFoundError:
            return None
        durable.sync_folder(folder.parent)
    return trashed


def restore(state_folder: Path, job: Job) -> None:
    """Moves the job's folder back, if it is in the trash."""
    trashed, folder = _trash_folder(state_folder, job), job_folder(state_folder, job.kind, job.name)
    if trashed.is_dir() and not folder.exists():
        trashed.rename(folder)


def trashed_folders(state_folder: Path) -> Iterator[Path]:
    for kind in JobKind:
        yield from subfolders(state_folder / _TRASH / kind)


def finish_deletion(store: Store, state_folder: Path, trashed: Path) -> None:
    """Removes a folder in the trash, or restores it when its job is still in the store. Raises OSError, ServiceError."""
    name, _, created_us = trashed.name.rpartition(".")
    try:
        job = store.get(JobKind(trashed.parent.name), name)
    except NotFound:
        remove_tree(trashed)
        return
    if str(to_epoch_us(job.created_at)) == created_us:
        restore(state_folder, job)
    else:
        remove_tree(trashed)


def _trash_folder(state_folder: Path, job: Job) -> Path:
    return state_folder / _TRASH / job.kind / f"{job.name}.{to_epoch_us(job.created_at)}"
