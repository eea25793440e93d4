"""The folders of a job: <state>/jobs/<kind>/<name>/<attempt>/<host>."""

from pathlib import Path

from naiad.service.domain.job import Job, JobKind
from naiad.service.executors.port import Instance
from naiad.service.walls.resource_guard import group_name


def job_folder(state_folder: Path, kind: JobKind, name: str) -> Path:
    """``name`` must match AWS's pattern, which makes it one part of a path."""
    assert name.replace("-", "").isalnum(), name
    return state_folder / "jobs" / kind / name


def job_instances(state_folder: Path, job: Job, *, attempt: int | None = None) -> tuple[Instance, ...]:
    """Returns the instances of an attempt, by default of the last one; none for a job that was never placed."""
    number = job.attempt if attempt is None else attempt
    folder = job_folder(state_folder, job.kind, job.name) / str(number)
    return tuple(
        Instance(job.kind, job.name, number, index, folder / f"algo-{index + 1}")
        for index in range(job.resources.instances if number else 0)
    )


def control_group_name(instance_folder: Path) -> str:
    """Returns the name of the control group of an instance's program."""
    return group_name("job", instance_folder)
