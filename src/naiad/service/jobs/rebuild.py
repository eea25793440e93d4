"""Jobs from their folders, for a database that has lost them.

The folder of a job that was placed has its request, keys and resources (spec.json), and what its agents last reported. A job that
never was placed has no folder. Times are those of the files, so they are near the true ones.
"""

import datetime as dt
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from naiad.service.contract.tags import tags_of
from naiad.service.domain.errors import AlreadyExists, NotFound
from naiad.service.domain.job import Job, JobKind, ResourceRequest, Transition
from naiad.service.domain.status import RUNNING_PHASES, STATUS_OF, Phase
from naiad.service.executors.instance_files import AGENT_FILE, SPEC_FILE, read_report, read_spec
from naiad.service.executors.port import InstanceReport, InstanceSpec
from naiad.service.store.port import Store
from naiad.service.walls.removal import subfolders

_LOG = logging.getLogger(__name__)
_MESSAGE = "found in its folder: the database had lost it"


def has_job_folders(state_folder: Path) -> bool:
    return next(_job_folders(state_folder), None) is not None


def add_missing_jobs(store: Store, state_folder: Path) -> int:
    """Adds the jobs of the folders that the store does not have, and returns their number. Raises ServiceError."""
    added = 0
    for kind, folder in _job_folders(state_folder):
        try:
            store.get(kind, folder.name)
        except NotFound:
            try:
                job = read_job(folder)
                store.add(job, tags_of(job.request))
            except (OSError, ValueError, KeyError, TypeError, AlreadyExists) as error:
                _LOG.error("%s %s cannot be rebuilt from %s: %s", kind, folder.name, folder, error)
                continue
            _LOG.warning("%s %s: %s", kind, folder.name, _MESSAGE)
            added += 1
    return added


def read_job(folder: Path) -> Job:
    """Returns the job of a folder as its last attempt left it. Raises OSError, ValueError, KeyError or TypeError."""
    attempt = max(_attempts(folder))
    first, last = folder / str(min(_attempts(folder))), folder / str(attempt)
    specs = [read_spec(path.parent) for path in sorted(last.glob(f"*/{SPEC_FILE}"))]
    if not specs:
        raise ValueError("its last attempt has no spec")
    reports = [read_report(spec.instance.folder, alive=False) for spec in _here(specs, last)]
    created_at, changed_at = _time_of(first), _time_of(last)
    spec = specs[0]
    job = Job(
        kind=spec.instance.kind,
        name=spec.instance.job_name,
        region=spec.region,
        request=spec.request,
        resources=ResourceRequest(len(spec.hosts), len(spec.cpus), spec.memory_bytes, len(spec.gpus)),
        created_at=created_at,
        modified_at=created_at,
        attempt=attempt - 1,
        transitions=(Transition(Phase.PENDING, created_at, None, _MESSAGE),),
        access_key=spec.access_key,
        secret_key=spec.secret_key,
        creator=spec.creator,
    ).to(Phase.STARTING, at=changed_at)
    return _to_end(job, reports)


def _to_end(job: Job, reports: list[InstanceReport | None]) -> Job:
    """Returns the job in its final phase where all instances have one. Otherwise it is starting, and the supervisor goes on."""
    known = [report for report in reports if report is not None]
    if len(known) < job.resources.instances or not all(STATUS_OF[report.phase].is_final for report in known):
        return job
    at = job.modified_at
    worst = next((report for report in known if report.phase is not Phase.COMPLETED), known[0])
    for phase in RUNNING_PHASES[2:]:
        job = job.to(phase, at=at)
    job = job.to(worst.phase, at=at, message=worst.message, failure_reason=worst.failure_reason)
    return replace(job, exit_message=worst.exit_message)


def _here(specs: list[InstanceSpec], attempt: Path) -> list[InstanceSpec]:
    """Returns the specs with the folders in which they were found: the state folder may have been moved."""
    return [replace(spec, instance=replace(spec.instance, folder=attempt / spec.instance.host)) for spec in specs]


def _job_folders(state_folder: Path) -> Iterator[tuple[JobKind, Path]]:
    """Yields the folders in which an agent was started."""
    for kind in JobKind:
        for folder in subfolders(state_folder / "jobs" / kind):
            if any(folder.glob(f"*/*/{AGENT_FILE}")):
                yield kind, folder


def _attempts(folder: Path) -> list[int]:
    return [int(path.name) for path in subfolders(folder) if path.name.isdecimal() and any(path.glob(f"*/{SPEC_FILE}"))]


def _time_of(attempt: Path) -> dt.datetime:
    """Returns when the first spec of an attempt was written."""
    times = [path.stat().st_mtime_ns // 1000 for path in attempt.glob(f"*/{SPEC_FILE}")]
    return dt.datetime.fromtimestamp(min(times) // 1_000_000, dt.UTC)
