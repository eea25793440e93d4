"""Free memory: the machine's, or the control group's when that is less."""

import psutil

from naiad.trainer.autoscale.memory import free_bytes, largest_batch
from naiad.trainer.cgroups import ControlGroups

GIB = 1 << 30


def test_without_a_limit_it_is_the_machines(tmp_path):
    free = free_bytes("cpu", groups=ControlGroups(tmp_path, tmp_path / "own"))
    assert 10_000_000 < free <= psutil.virtual_memory().total


def test_a_group_allows_what_is_left_of_its_limit(tmp_path):
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("1000000\n")
    assert free_bytes("cpu", groups=ControlGroups(tmp_path, tmp_path / "own")) == 2_000_000


def test_a_batch_takes_its_part():
    assert largest_batch(1_000, 1_000_000) == 500
    assert largest_batch(4 * GIB, GIB) == 1
