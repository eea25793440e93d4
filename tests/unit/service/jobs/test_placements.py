import json
from pathlib import Path
from typing import Any

import pytest

from naiad.service.domain.job import Job
from naiad.service.domain.status import Phase
from naiad.service.jobs.layout import job_folder
from naiad.service.jobs.placements import Placements, read_placement, write_placement
from naiad.service.jobs.scheduler import CoreAllocation, Placement

PLACEMENT = Placement("one", (CoreAllocation((0, 1), ()), CoreAllocation((2,), (0,))), 2**30, port=7777)
STORED = {
    "job": "one",
    "shares": [{"cpus": [0, 1], "gpus": []}, {"cpus": [2], "gpus": [0]}],
    "memory_bytes": 2**30,
    "port": 7777,
}
"""The file of the placement, as every version has written it."""


@pytest.fixture
def job(world: Any) -> Job:
    started: Job = world.create("one").to(Phase.STARTING, at=world.clock.now())
    return started


@pytest.fixture
def file(world: Any, job: Job) -> Path:
    return job_folder(world.folder, job.kind, job.name) / "1" / "placement.json"


def test_a_placement_is_stored_in_the_known_format(world: Any, job: Job, file: Path) -> None:
    assert read_placement(world.folder, job) is None
    write_placement(world.folder, job, PLACEMENT, attempt=1)
    assert json.loads(file.read_text()) == STORED
    assert read_placement(world.folder, job) == PLACEMENT


def test_a_file_of_a_version_without_ports_is_read(world: Any, job: Job, file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({name: value for name, value in STORED.items() if name != "port"}))
    placement = read_placement(world.folder, job)
    assert placement is not None
    assert (placement.allocations, placement.port) == (PLACEMENT.allocations, None)


def test_only_the_owner_may_enter_the_folders(world: Any, job: Job, file: Path) -> None:
    write_placement(world.folder, job, PLACEMENT, attempt=1)
    folders = [folder for folder in file.parents if folder.is_relative_to(world.folder / "jobs")]
    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700] * 4


def test_a_placement_is_read_once_and_forgotten_with_its_job(world: Any, job: Job, file: Path) -> None:
    placements = Placements(world.folder)
    placements.write(job, PLACEMENT, attempt=1)
    file.unlink()
    assert placements.of(job) == PLACEMENT
    placements.retain([])
    assert placements.of(job) is None
