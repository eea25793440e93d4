from dataclasses import replace
from pathlib import Path

import pytest
from tuning_world import TuningWorld, tuning_request

from naiad.service.tuning.curves import Curves, points_of


@pytest.fixture
def started(world: TuningWorld) -> TuningWorld:
    world.create(tuning_request())
    world.tick(4)
    return world


def metrics_file(world: TuningWorld) -> Path:
    return world.jobs.instances(world.job(1))[0].folder / "metrics.jsonl"


def test_only_what_is_new_is_read(started: TuningWorld) -> None:
    curves = Curves(started.jobs)
    assert curves.read(started.job(1), "validation:loss") == []
    started.log(1, 0.5, 0.4)
    started.log(1, 9.0, metric="other")
    assert curves.read(started.job(1), "validation:loss") == [0.5, 0.4]
    started.log(1, 0.3)
    assert curves.read(started.job(1), "validation:loss") == [0.5, 0.4, 0.3]
    assert curves.known(started.job(1).name) == [0.5, 0.4, 0.3]
    curves.forget([started.job(1).name])
    assert curves.known(started.job(1).name) == ()


def test_a_line_that_is_being_written_waits(started: TuningWorld) -> None:
    curves = Curves(started.jobs)
    started.log(1, 0.5)
    whole = metrics_file(started).read_bytes()
    metrics_file(started).write_bytes(whole + whole[:-5])
    assert curves.read(started.job(1), "validation:loss") == [0.5]
    metrics_file(started).write_bytes(whole + whole)
    assert curves.read(started.job(1), "validation:loss") == [0.5, 0.5]


def test_long_curves_are_sent_at_the_same_epochs() -> None:
    assert points_of([0.5, 0.4]) == [[1, 0.5], [2, 0.4]]
    assert points_of([]) == []
    short, long = points_of([float(n) for n in range(300)]), points_of([float(n) for n in range(511)])
    assert {epoch for epoch, _ in short[:-1]} <= {epoch for epoch, _ in long}
    assert long[-1] == [511, 510.0]
    assert len(long) <= 129


@pytest.mark.parametrize(("has_checkpoints", "expected"), [(False, [0.6]), (True, [0.5, 0.4, 0.6])])
def test_an_attempt_without_checkpoints_begins_the_curve_anew(
    started: TuningWorld, has_checkpoints: bool, expected: list[float]
) -> None:
    """A lost agent's job starts from the beginning, and its epochs count from 1 again."""
    curves, job = Curves(started.jobs), started.job(1)
    request = {**job.request, **({"CheckpointConfig": {"S3Uri": "s3://data/c/"}} if has_checkpoints else {})}
    started.log(1, 0.5, 0.4)
    assert curves.read(replace(job, request=request), "validation:loss") == [0.5, 0.4]
    again = replace(job, request=request, attempt=2)
    folder = started.jobs.instances(again)[0].folder
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text('{"name": "validation:loss", "value": 0.6, "time": 1}\n')
    assert curves.read(again, "validation:loss") == expected
    assert Curves(started.jobs).read(again, "validation:loss") == expected
