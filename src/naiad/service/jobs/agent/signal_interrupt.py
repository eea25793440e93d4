"""Interrupts work, such as a download, by a signal or when its time is over."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class SignalInterrupt(BaseException):  # reason: no ``except Exception`` on the way may catch it
    pass


@contextlib.contextmanager
def interrupt_on_signal(timeout_s: float | None) -> Iterator[None]:
    """Raises SignalInterrupt in the block on SIGTERM and after ``timeout_s``, whatever the block waits for.

    The signal handlers of before are called first, and are back in place afterwards. For the main thread only.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        handler = handlers_before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)
        raise SignalInterrupt

    handlers_before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGALRM)}
    try:
        if timeout_s is not None:
            signal.setitimer(signal.ITIMER_REAL, max(timeout_s, 1e-6))
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in handlers_before.items():
            signal.signal(number, handler)
