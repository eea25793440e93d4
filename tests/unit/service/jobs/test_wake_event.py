import threading

from naiad.service.jobs.wake_event import Bell


def test_rung_before_it_is_waited_for_wakes_at_once() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    bell.wait(600)
    assert bell.take()
    assert not bell.take()


def test_a_waiting_thread_is_woken() -> None:
    bell = Bell()
    waiting = threading.Thread(target=bell.wait, args=(600,))
    waiting.start()
    bell.ring()
    waiting.join(10)
    assert not waiting.is_alive()


def test_what_rings_after_it_was_taken_rings_again() -> None:
    bell = Bell()
    bell.ring()
    assert bell.take()
    bell.ring()
    assert bell.take()
    bell.wait(0)
    assert not bell.take()
