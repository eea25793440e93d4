"""Work that is left in the middle when it is to end."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class Interrupted(BaseException):  # reason: nothing on the way may take it for an error
    pass


@contextlib.contextmanager
def interruptible(timeout_s: float | None) -> Iterator[None]:
    """SIGTERM and the end of the time raise Interrupted in what is done, whatever that waits for. For the main thread.

    What handled the signals before is asked first, and handles them again afterwards.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)
        raise Interrupted

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGALRM)}
    try:
        if timeout_s is not None:
            signal.setitimer(signal.ITIMER_REAL, max(timeout_s, 1e-6))
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
