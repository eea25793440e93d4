from pathlib import Path
from typing import Any

import pytest

from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.jobs.layout import instances_of, job_folder, read_placement, write_placement
from naiad.service.jobs.scheduler import Placement, Share


@pytest.mark.parametrize("name", ["", "..", "a/b", "../x", "a b"])
def test_a_name_is_one_part_of_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(AssertionError):
        job_folder(tmp_path, JobKind.TRAINING, name)


def test_the_folders_of_its_instances(world: Any) -> None:
    job = world.create("one", instances=2)
    assert instances_of(world.folder, job) == ()
    placed = job.to(Phase.STARTING, at=world.clock.now())
    folders = [instance.folder for instance in instances_of(world.folder, placed)]
    base = world.folder / "jobs" / "training-job" / "one"
    assert folders == [base / "1" / "algo-1", base / "1" / "algo-2"]
    assert instances_of(world.folder, placed, attempt=3)[0].folder == base / "3" / "algo-1"


def test_a_placement_is_found_again(world: Any) -> None:
    job = world.create("one").to(Phase.STARTING, at=world.clock.now())
    assert read_placement(world.folder, job) is None
    placement = Placement("one", (Share((0, 1), ()), Share((2,), (0,))), 2**30)
    write_placement(world.folder, job, placement, attempt=1)
    assert read_placement(world.folder, job) == placement
    folder = job_folder(world.folder, job.kind, job.name)
    assert [one.stat().st_mode & 0o777 for one in (folder, folder / "1")] == [0o700, 0o700]
