import threading

from naiad.service.jobs.wake_event import WakeEvent


def test_a_wait_after_a_wake_up_returns_at_once() -> None:
    wake_event = WakeEvent()
    wake_event.wake()
    wake_event.wake()
    wake_event.wait(600)
    assert wake_event.consume()
    assert not wake_event.consume()


def test_a_waiting_thread_is_woken() -> None:
    wake_event = WakeEvent()
    waiting = threading.Thread(target=wake_event.wait, args=(600,))
    waiting.start()
    wake_event.wake()
    waiting.join(10)
    assert not waiting.is_alive()


def test_a_wake_up_after_consume_wakes_again() -> None:
    wake_event = WakeEvent()
    wake_event.wake()
    assert wake_event.consume()
    wake_event.wake()
    assert wake_event.consume()
    wake_event.wait(0)
    assert not wake_event.consume()
