"""The fastest number of threads."""

import pytest

from naiad.trainer.autoscale import threads
from naiad.trainer.machine import device as machine


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    monkeypatch.setattr(machine, "usable_cores", lambda: 4)


def test_one_where_several_wait_for_each_other(scripted, measuring, plan):
    of = scripted(lambda tried: 0.001 * tried.threads)
    assert threads.choose(plan(threads=4), measuring(of)).threads == 1
    assert [tried.threads for tried in of.timed] == [4, 2, 1]


def test_all_where_they_help(scripted, measuring, plan):
    of = scripted(lambda tried: 0.01 / tried.threads)
    assert threads.choose(plan(threads=4), measuring(of)).threads == 4


def test_all_are_tried_where_the_rule_says_one(scripted, measuring, plan):
    assert threads.choose(plan(threads=1), measuring(scripted(lambda tried: 0.01 / tried.threads))).threads == 4


def test_another_device_has_its_own(scripted, measuring, plan):
    assert threads.choose(plan(device="cuda"), measuring(scripted(lambda _: 1.0))) == plan(device="cuda")
