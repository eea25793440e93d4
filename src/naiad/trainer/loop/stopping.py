"""Hears a request to stop (SIGTERM, Ctrl-C) without being torn out of a step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from naiad.errors import Stopped


@dataclass
class StopRequest:
    signal_name: str | None = None
    """The first signal that came; None while there is none."""


@contextmanager
def listening() -> Iterator[StopRequest]:
    """A second signal of the same kind acts as it did before. Outside the main thread nothing is listened for.

    Where Stopped leaves a process that has heard no signal, another process heard one first. This one's own may still be on its
    way, and does nothing when it comes.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def hear(number: int, _: FrameType | None) -> None:
        request.signal_name = signal.Signals(number).name
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, hear)
    on_its_way = False
    try:
        yield request
    except Stopped:
        on_its_way = request.signal_name is None
        raise
    finally:
        for number, handler in before.items() if not on_its_way else ():
            signal.signal(number, handler)
