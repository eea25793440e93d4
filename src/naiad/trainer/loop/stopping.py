"""Catches the signals that stop a run (SIGTERM, Ctrl-C), so that it ends between two steps."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from naiad.errors import TrainingStopped


@dataclass
class StopFlag:
    """Whether a run is to stop."""

    signal_name: str | None = None
    """The first signal that came; None while there is none."""


@contextmanager
def catch_stop_signals() -> Iterator[StopFlag]:
    """A flag that SIGTERM and SIGINT set inside the block. A second signal of the same kind acts as it did before.

    Catches nothing outside the main thread. When TrainingStopped leaves the block and this process has received no signal, then
    another process of the run has received one. This one's own may still come, and is ignored.
    """
    flag = StopFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def set_flag(number: int, _: FrameType | None) -> None:
        flag.signal_name = signal.Signals(number).name
        signal.signal(number, previous[signal.Signals(number)])

    for number in previous:
        signal.signal(number, set_flag)
    signal_may_come = False
    try:
        yield flag
    except TrainingStopped:
        signal_may_come = flag.signal_name is None
        raise
    finally:
        for number, handler in previous.items() if not signal_may_come else ():
            signal.signal(number, handler)
