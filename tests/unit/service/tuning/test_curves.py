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
