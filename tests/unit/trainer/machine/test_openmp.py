"""A team of sleeping threads, with torch's own library."""

import os
import sys
import threading
from pathlib import Path

import pytest
import torch

from naiad.trainer.machine.openmp import find_sleeping_team

NO_SETTINGS = {}
MAPS = "7f00-7f01 r-xp 00000000 fe:00 12 {path}\n"
needs_several_cores = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has nobody to wait for")


@pytest.fixture
def team():
    found = find_sleeping_team(NO_SETTINGS)
    if found is None:
        pytest.skip("torch has another OpenMP library here")
    yield found
    found.end()


def thread_count():
    return len(list(Path("/proc/self/task").iterdir()))


def test_it_starts_and_ends_as_often_as_one_likes(team):
    before = thread_count()
    others = set(threading.enumerate())
    for _ in range(3):
        team.start()
        (held,) = {thread for thread in threading.enumerate() if thread.name == "openmp"} - others
        team.start()
        assert team.is_running
        assert thread_count() > before
        team.end()
        team.end()
        assert not team.is_running
        assert not held.is_alive()


def test_results_are_the_same_bits(team):
    torch.manual_seed(0)
    left, right = torch.randn(257, 131), torch.randn(131, 67)
    spinning = left @ right
    team.start()
    assert torch.equal(left @ right, spinning)


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"])
def test_the_users_setting_stays(name):
    assert find_sleeping_team({name: "0"}) is None


@needs_several_cores
@pytest.mark.parametrize(
    "paths",
    [
        (),
        ("/usr/lib/libiomp5.so",),
        ("/usr/lib/libgomp.so.1", "/site/sklearn.libs/libgomp-1.so"),
        ("/torch/lib/libgomp-absent.so",),
    ],
    ids=["none", "another library", "which one is torch's is not known", "a file that has gone"],
)
def test_other_libraries_are_left_alone(tmp_path, paths):
    maps = tmp_path / "maps"
    maps.write_text("7f00-7f01 rw-p 00000000 00:00 0\n" + "".join(MAPS.format(path=path) for path in paths))
    assert find_sleeping_team(NO_SETTINGS, maps=maps) is None
    assert find_sleeping_team(NO_SETTINGS, maps=tmp_path / "none") is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
@pytest.mark.parametrize("cores", [1, 1_000, None])
def test_machines_for_which_it_is_not_made(monkeypatch, cores):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert find_sleeping_team(NO_SETTINGS) is None
