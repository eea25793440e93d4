"""Where a job's things are: <state>/jobs/<kind>/<name>/<attempt>/<host>, and what was placed where."""

import contextlib
import json
from dataclasses import asdict
from pathlib import Path

from naiad import durable
from naiad.service.domain.job import Job, JobKind
from naiad.service.executors.files import room_for, write_json
from naiad.service.executors.port import Instance
from naiad.service.jobs.scheduler import Placement, Share

_PLACEMENT = "placement.json"


def job_folder(state_folder: Path, kind: JobKind, name: str) -> Path:
    """``name`` has AWS's pattern, so it is one part of a path."""
    assert name.replace("-", "").isalnum(), name
    return state_folder / "jobs" / kind / name


def instances_of(state_folder: Path, job: Job, *, attempt: int | None = None) -> tuple[Instance, ...]:
    """Of the attempt, or of the job's last one; none for a job that was never placed."""
    number = job.attempt if attempt is None else attempt
    folder = job_folder(state_folder, job.kind, job.name) / str(number)
    return tuple(
        Instance(job.kind, job.name, number, index, folder / f"algo-{index + 1}")
        for index in range(job.resources.instances if number else 0)
    )


def write_placement(state_folder: Path, job: Job, placement: Placement, *, attempt: int) -> None:
    """On disk before it returns: a server that starts again promises these cores to nobody else.

    Raises StorageFull.
    """
    folder = job_folder(state_folder, job.kind, job.name) / str(attempt)
    with room_for(f"the files of {job.name}"):
        durable.make_folders(state_folder, folder.relative_to(state_folder).parts)
    write_json(folder / _PLACEMENT, asdict(placement))


def read_placement(state_folder: Path, job: Job) -> Placement | None:
    """Of the job's last attempt; None when somebody took its folder away."""
    file = job_folder(state_folder, job.kind, job.name) / str(job.attempt) / _PLACEMENT
    with contextlib.suppress(FileNotFoundError):
        read = json.loads(file.read_text("utf-8"))
        shares = tuple(Share(tuple(share["cpus"]), tuple(share["gpus"])) for share in read["shares"])
        return Placement(read["job"], shares, read["memory_bytes"], read.get("port"))
    return None
