"""The placements of running jobs, on disk: a server that starts again promises their cores to nobody else."""

import contextlib
import json
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from naiad import durable
from naiad.service.domain.job import Job
from naiad.service.executors.instance_files import translate_disk_full, write_json
from naiad.service.jobs.layout import job_folder
from naiad.service.jobs.scheduler import CoreAllocation, Placement

_FILE = "placement.json"


class Placements:
    """Reads each placement once, and keeps it while the job is unfinished. For one thread."""

    def __init__(self, state_folder: Path) -> None:
        self._state_folder = state_folder
        self._cached: dict[tuple[str, int], Placement] = {}

    def of(self, job: Job) -> Placement | None:
        """Returns the placement of the job's last attempt; None when somebody has removed its folder."""
        key = (job.arn, job.attempt)
        if key not in self._cached and (placement := read_placement(self._state_folder, job)):
            self._cached[key] = placement
        return self._cached.get(key)

    def write(self, job: Job, placement: Placement, *, attempt: int) -> None:
        """The placement is on disk when this returns. Raises StorageFull."""
        write_placement(self._state_folder, job, placement, attempt=attempt)
        self._cached[job.arn, attempt] = placement

    def retain(self, jobs: Collection[Job]) -> None:
        """Forgets the placements of all other jobs and attempts."""
        keys = {(job.arn, job.attempt) for job in jobs}
        self._cached = {key: placement for key, placement in self._cached.items() if key in keys}


def write_placement(state_folder: Path, job: Job, placement: Placement, *, attempt: int) -> None:
    """The placement is on disk when this returns. Raises StorageFull."""
    folder = job_folder(state_folder, job.kind, job.name) / str(attempt)
    with translate_disk_full(f"the files of {job.name}"):
        durable.make_folders(state_folder, folder.relative_to(state_folder).parts)
    values = {
        "job": placement.arn,
        "shares": [asdict(allocation) for allocation in placement.allocations],
        "memory_bytes": placement.memory_bytes,
        "port": placement.port,
    }
    write_json(folder / _FILE, values)


def read_placement(state_folder: Path, job: Job) -> Placement | None:
    """Returns the placement of the job's last attempt; None without its file. Files of older versions have no port."""
    file = job_folder(state_folder, job.kind, job.name) / str(job.attempt) / _FILE
    with contextlib.suppress(FileNotFoundError):
        values = json.loads(file.read_text("utf-8"))
        allocations = tuple(CoreAllocation(tuple(each["cpus"]), tuple(each["gpus"])) for each in values["shares"])
        return Placement(values["job"], allocations, values["memory_bytes"], values.get("port"))
    return None
