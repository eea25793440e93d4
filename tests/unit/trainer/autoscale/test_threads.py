"""The fastest number of threads."""

import pytest

from naiad.trainer.autoscale import threads
from naiad.trainer.machine import device as machine


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    monkeypatch.setattr(machine, "usable_cores", lambda: 4)


def test_one_thread_where_several_wait_for_each_other(scripted, make_setup, choose, plan):
    probe = scripted(lambda tried: 0.001 * tried.threads)
    assert choose(threads, plan(threads=4), make_setup(probe)).threads == 1
    assert [tried.threads for tried in probe.timed] == [4, 2, 1]


@pytest.mark.parametrize("by_rule", [4, 1])
def test_all_cores_where_they_help(scripted, make_setup, choose, plan, by_rule):
    probe = scripted(lambda tried: 0.01 / tried.threads)
    assert choose(threads, plan(threads=by_rule), make_setup(probe)).threads == 4


def test_another_device_is_not_measured(scripted, make_setup, choose, plan):
    assert choose(threads, plan(device="cuda"), make_setup(scripted(lambda _: 1.0))) == plan(device="cuda")
