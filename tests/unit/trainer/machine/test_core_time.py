"""Time that threads wait for a core."""

import threading

import pytest

from naiad.trainer.machine.core_time import START_OF_THREADS, CoreClock, CoreTime


def write(tasks, thread, text):
    (tasks / thread).mkdir(exist_ok=True)
    (tasks / thread / "schedstat").write_text(text)


def test_threads_are_added_up(tmp_path):
    write(tmp_path, "1", "1000000000 500000000 7\n")
    before = CoreClock.read(tmp_path)
    write(tmp_path, "1", "2000000000 1500000000 9\n")
    write(tmp_path, "2", "500000000 500000000 1\n")
    assert CoreClock.read(tmp_path).since(before) == CoreTime(1.5, 1.5)
    assert CoreClock.read(tmp_path).since(before).waiting_fraction == 0.5


def test_a_thread_that_has_ended_takes_nothing_away(tmp_path):
    write(tmp_path, "1", "1000000000 0 1")
    write(tmp_path, "2", "9000000000 9000000000 1")
    before = CoreClock.read(tmp_path)
    (tmp_path / "2" / "schedstat").unlink()
    write(tmp_path, "1", "2000000000 0 1")
    assert CoreClock.read(tmp_path).since(before) == CoreTime(1.0, 0.0)


@pytest.mark.parametrize("text", ["", "0", "no counters here"])
def test_a_system_without_counters_has_waited_for_nothing(tmp_path, text):
    write(tmp_path, "1", text)
    assert CoreClock.read(tmp_path).since(START_OF_THREADS).waiting_fraction == 0.0
    assert CoreClock.read(tmp_path / "none") == START_OF_THREADS


def test_this_process_is_read():
    if str(threading.get_native_id()) not in CoreClock.read().by_thread:
        pytest.skip("this system counts nothing")
    assert CoreClock.read().since(START_OF_THREADS).running_s > 0
