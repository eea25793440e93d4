import os
import signal

import pytest

from naiad.service.jobs.agent.interrupt import Interrupted, interruptible


def wait() -> None:
    """For a signal, and for nothing else."""
    signal.pause()


def stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    wait()


def test_a_stop_interrupts_what_waits_and_is_told_to_who_handled_it_before() -> None:
    told: list[int] = []

    def note(number: int, _frame: object) -> None:
        told.append(number)

    before = signal.signal(signal.SIGTERM, note)
    try:
        with pytest.raises(Interrupted), interruptible(None):
            stop()
        assert told == [signal.SIGTERM]
        os.kill(os.getpid(), signal.SIGTERM)
        assert told == [signal.SIGTERM] * 2
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("timeout_s", [0.01, 0.0])
def test_the_time_interrupts_what_waits(timeout_s: float) -> None:
    with pytest.raises(Interrupted), interruptible(timeout_s):
        wait()


def test_nothing_comes_later() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with interruptible(600.0):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == before
