from pathlib import Path
from typing import Any

import pytest

from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.jobs.layout import job_folder, job_instances


@pytest.mark.parametrize("name", ["", "..", "a/b", "../x", "a b"])
def test_a_job_name_is_one_part_of_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(AssertionError):
        job_folder(tmp_path, JobKind.TRAINING, name)


def test_the_folders_of_the_instances(world: Any) -> None:
    job = world.create("one", instances=2)
    assert job_instances(world.folder, job) == ()
    placed = job.to(Phase.STARTING, at=world.clock.now())
    folders = [instance.folder for instance in job_instances(world.folder, placed)]
    base = world.folder / "jobs" / "training-job" / "one"
    assert folders == [base / "1" / "algo-1", base / "1" / "algo-2"]
    assert job_instances(world.folder, placed, attempt=3)[0].folder == base / "3" / "algo-1"
