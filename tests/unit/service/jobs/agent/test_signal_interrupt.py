import os
import signal

import pytest

from naiad.service.jobs.agent.signal_interrupt import SignalInterrupt, interrupt_on_signal


def wait() -> None:
    """Waits for a signal."""
    signal.pause()


def stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    wait()


def test_a_signal_interrupts_and_the_earlier_handler_is_called() -> None:
    signals: list[int] = []

    def record(number: int, _frame: object) -> None:
        signals.append(number)

    before = signal.signal(signal.SIGTERM, record)
    try:
        with pytest.raises(SignalInterrupt), interrupt_on_signal(None):
            stop()
        assert signals == [signal.SIGTERM]
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals == [signal.SIGTERM] * 2
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("timeout_s", [0.01, 0.0])
def test_the_end_of_the_time_interrupts(timeout_s: float) -> None:
    with pytest.raises(SignalInterrupt), interrupt_on_signal(timeout_s):
        wait()


def test_no_interrupt_comes_after_the_block() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with interrupt_on_signal(600.0):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == before
