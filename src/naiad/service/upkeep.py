"""Chores of a running server, one after another in a thread of their own: each is repeated after its interval.

Time is read from a clock that nobody sets, so that a jump of the machine's clock neither delays nor repeats a chore.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from naiad.errors import NaiadError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chore:
    name: str
    interval_s: float
    """Seconds from the end of one run to the begin of the next."""
    run: Callable[[], object]
    first_after_s: float = 0.0
    """Seconds from the server's start to the first run."""


class Upkeep:
    """``run`` is for one thread; ``stop`` is for any."""

    def __init__(self, chores: Sequence[Chore], *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._stop_event = threading.Event()
        started_s = clock_s()
        self._due_s = {chore: started_s + chore.first_after_s for chore in chores}

    def run(self) -> None:
        """Returns soon after ``stop``, at the latest after the chore that runs then."""
        while not self._stop_event.wait(self.run_due()):
            pass

    def stop(self) -> None:
        self._stop_event.set()

    @property
    def is_stopping(self) -> bool:
        """Whether a long chore should end early."""
        return self._stop_event.is_set()

    def run_due(self) -> float:
        """Runs what is due, and returns the seconds until more is. Trouble of a chore is logged, and it is tried again."""
        for chore, due_s in list(self._due_s.items()):
            if self._clock_s() >= due_s and not self.is_stopping:
                try:
                    chore.run()
                except (OSError, NaiadError) as error:
                    _LOG.warning("%s: %s; it is tried again", chore.name, error)
                except Exception:  # noqa: BLE001  # reason: the thread's edge: one chore's trouble holds up no other
                    _LOG.exception("%s failed; it is tried again", chore.name)
                self._due_s[chore] = self._clock_s() + chore.interval_s
        next_s = min(self._due_s.values(), default=math.inf)
        return max(0.0, min(next_s - self._clock_s(), threading.TIMEOUT_MAX))
