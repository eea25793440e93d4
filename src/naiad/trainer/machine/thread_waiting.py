"""Threads that spin while the cores are theirs, and sleep while other programs want them.

On two quiet cores, training is up to a third faster with threads that spin; beside other programs it is two to fifty times slower
(``thread_waiting.py`` in ``benchmarks/``). Results are the same bits either way, so this is no choice of the plan.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

from naiad.trainer.machine.core_time import START_OF_THREADS, CoreClock
from naiad.trainer.machine.openmp import SleepingTeam, find_sleeping_team

INTERVAL_S = 0.25
SLEEP_FROM, SPIN_BELOW = 0.2, 0.1
"""Fractions of the wanted time that threads wait for a core: from the first on they sleep, below the second they spin again."""
_LEAST_WANTED_S = 0.05
"""Less wanted time says nothing."""


@dataclass
class ThreadWaiting:
    """Decides, from time to time, how threads wait for each other."""

    team: SleepingTeam | None = field(default_factory=find_sleeping_team)
    """None where this cannot be switched."""
    read_clock: Callable[[], CoreClock] = CoreClock.read
    is_contended: bool = False
    """Whether other programs want the cores, as of the last check."""
    _last: CoreClock = START_OF_THREADS

    def check(self) -> None:
        """Compares the time since the last check, at first the whole life of the threads."""
        now = self.read_clock()
        time = now.since(self._last)
        if time.wanted_s < _LEAST_WANTED_S:
            return
        self._last = now
        self.is_contended = time.waiting_fraction >= (SPIN_BELOW if self.is_contended else SLEEP_FROM)
        if self.team is not None:
            (self.team.start if self.is_contended else self.team.end)()

    def end(self) -> None:
        """Lets threads wait as they did before."""
        if self.team is not None:
            self.team.end()


@contextmanager
def adapt_thread_waiting() -> Iterator[ThreadWaiting]:
    """Checks a few times a second inside the block, on a thread of its own."""
    waiting, stop = ThreadWaiting(), threading.Event()
    waiting.check()
    thread = threading.Thread(target=_check_often, args=(waiting, stop), name="thread waiting", daemon=True)
    thread.start()
    try:
        yield waiting
    finally:
        stop.set()
        thread.join()
        waiting.end()


def _check_often(waiting: ThreadWaiting, stop: threading.Event) -> None:
    while not stop.wait(INTERVAL_S):
        waiting.check()


@cache
def keep_adapting() -> None:
    """Checks a few times a second for as long as the process lives. A second call does nothing."""
    arguments = (ThreadWaiting(), threading.Event())
    threading.Thread(target=_check_often, args=arguments, name="thread waiting", daemon=True).start()
