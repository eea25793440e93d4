"""Threads sleep beside other programs, and spin alone."""

import threading

import pytest

from naiad.trainer.machine.core_time import CoreClock
from naiad.trainer.machine.thread_waiting import ThreadWaiting, adapt_thread_waiting, keep_adapting


class Team:
    is_running = False

    def start(self):
        self.is_running = True

    def end(self):
        self.is_running = False


class Counters:
    """Counters of one thread."""

    running_ns = waiting_ns = 0

    def __call__(self):
        return CoreClock({"1": (self.running_ns, self.waiting_ns)})

    def pass_time(self, waiting_fraction, *, wanted_ns=1_000_000_000):
        self.waiting_ns += round(wanted_ns * waiting_fraction)
        self.running_ns += round(wanted_ns * (1 - waiting_fraction))


@pytest.mark.parametrize("team", [Team(), None])
def test_threads_sleep_where_others_want_the_cores_and_spin_again(team):
    counters = Counters()
    waiting = ThreadWaiting(team, counters)
    states = []
    for fraction in (0.0, 0.15, 0.33, 0.15, 0.05, 0.15):
        counters.pass_time(fraction)
        waiting.check()
        states.append(waiting.is_contended)
        assert team is None or team.is_running == waiting.is_contended
    assert states == [False, False, True, True, False, False]
    waiting.end()


def test_a_moment_says_nothing_but_many_do():
    counters = Counters()
    waiting = ThreadWaiting(Team(), counters)
    for _ in range(4):
        counters.pass_time(0.9, wanted_ns=11_000_000)
        waiting.check()
        assert not waiting.is_contended
    counters.pass_time(0.9, wanted_ns=11_000_000)
    waiting.check()
    assert waiting.is_contended


def test_the_end_lets_threads_spin():
    team = Team()
    team.start()
    ThreadWaiting(team, Counters()).end()
    assert not team.is_running


def test_nothing_is_left_behind():
    before = set(threading.enumerate())
    with pytest.raises(ValueError, match="inside"), adapt_thread_waiting():
        raise ValueError("inside")
    assert set(threading.enumerate()) == before


def test_a_process_is_checked_for_its_whole_life_by_one_thread():
    names = [thread.name for thread in threading.enumerate()]
    for _ in range(2):
        keep_adapting()
    added = [thread for thread in threading.enumerate() if thread.name == "thread waiting"]
    assert len(added) - names.count("thread waiting") <= 1
    assert all(thread.daemon for thread in added)
