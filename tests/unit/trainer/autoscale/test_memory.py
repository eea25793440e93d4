"""Free memory: the machine's, or the control group's when that is less."""

import psutil
import pytest

from naiad.trainer.autoscale.memory import free_bytes, largest_batch

GIB = 1 << 30


def test_without_a_group_it_is_the_machines(tmp_path):
    free = free_bytes("cpu", cgroup=tmp_path)
    assert 0 < free <= psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("limit", "used", "folder"),
    [
        ("memory.max", "memory.current", "."),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory"),
    ],
    ids=["version 2", "version 1"],
)
def test_a_group_allows_what_is_left_of_its_limit(tmp_path, limit, used, folder):
    place = tmp_path / folder
    place.mkdir(exist_ok=True)
    (place / limit).write_text("3000000\n")
    (place / used).write_text("1000000\n")
    assert free_bytes("cpu", cgroup=tmp_path) == 2_000_000
    (place / "memory.stat").write_text("anon 5\ninactive_file 400000\n")
    assert free_bytes("cpu", cgroup=tmp_path) == 2_400_000


@pytest.mark.parametrize("limit", ["max", str((1 << 63) - 4096)])
def test_no_limit_is_no_limit(tmp_path, limit):
    (tmp_path / "memory.max").write_text(limit)
    (tmp_path / "memory.current").write_text("1000")
    assert free_bytes("cpu", cgroup=tmp_path) > 10_000_000


def test_a_batch_takes_its_part():
    assert largest_batch(1_000, 1_000_000) == 500
    assert largest_batch(4 * GIB, GIB) == 1
