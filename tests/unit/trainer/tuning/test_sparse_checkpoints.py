"""Checkpoints of a trial: on disk now and then, in memory always."""

import torch

from naiad.trainer.loop.checkpoint import FolderCheckpoints, Snapshot
from naiad.trainer.tuning.sparse_checkpoints import SparseCheckpoints


def snapshot(step):
    return Snapshot(step, {"net/w": torch.full((2,), float(step))}, {"history": []})


def make(tmp_path, clock):
    return SparseCheckpoints(
        FolderCheckpoints(tmp_path / "checkpoints", keep=1), interval_s=5.0, clock=lambda: clock[0]
    )


def on_disk(tmp_path):
    return sorted(path.name for path in (tmp_path / "checkpoints").glob("step-*"))


def test_the_disk_has_one_now_and_then(tmp_path):
    clock = [0.0]
    checkpoints = make(tmp_path, clock)
    for step, now in ((0, 0.0), (10, 1.0), (20, 6.0), (30, 7.0)):
        clock[0] = now
        checkpoints.save(snapshot(step))
    assert on_disk(tmp_path) == ["step-00000020"]
    assert checkpoints.latest().step == 30
    checkpoints.flush()
    assert on_disk(tmp_path) == ["step-00000030"]


def test_one_that_is_not_regular_is_written_at_once(tmp_path):
    checkpoints = make(tmp_path, [0.0])
    checkpoints.save(snapshot(0))
    checkpoints.save(snapshot(7), regular=False)
    assert on_disk(tmp_path) == ["step-00000007"]
    assert checkpoints.latest(regular=True).step == 0


def test_a_new_process_goes_on_from_the_disk(tmp_path):
    first = make(tmp_path, [0.0])
    first.save(snapshot(0))
    first.save(snapshot(5))
    first.flush()
    second = make(tmp_path, [0.0])
    assert second.latest().step == 5
    assert second.latest(regular=True).step == 5
    assert make(tmp_path / "other", [0.0]).latest() is None


def test_a_rollback_forgets_what_came_after(tmp_path):
    checkpoints = make(tmp_path, [0.0])
    checkpoints.save(snapshot(0))
    checkpoints.save(snapshot(10))
    checkpoints.save(snapshot(13), regular=False)
    checkpoints.clear_after(10)
    assert checkpoints.latest().step == 10
