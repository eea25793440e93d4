"""Time that this process's threads have had a core, and time that they have waited for one.

Linux counts both for each thread. Elsewhere nothing is known, and nothing is guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TASKS = Path("/proc/self/task")


@dataclass(frozen=True)
class CoreTime:
    running_s: float
    """Seconds with a core, of all threads together."""
    waiting_s: float
    """Seconds in which a thread could have run and another thread had its core, of all threads together."""

    @property
    def wanted_s(self) -> float:
        return self.running_s + self.waiting_s

    @property
    def waiting_fraction(self) -> float:
        """Fraction of the wanted time that threads waited; 0 where none was wanted."""
        return self.waiting_s / self.wanted_s if self.wanted_s > 0 else 0.0


@dataclass(frozen=True)
class CoreClock:
    """Reading of the kernel's counters."""

    by_thread: Mapping[str, tuple[int, int]]
    """Nanoseconds running and waiting, by thread. A thread that has ended is missing."""

    @classmethod
    def read(cls, tasks: Path = _TASKS) -> "CoreClock":
        """Empty where the system has no such counters."""
        times = {}
        try:
            for task in tasks.iterdir():
                fields = _read(task / "schedstat").split()
                if len(fields) >= 2 and fields[0].isdigit() and fields[1].isdigit():
                    times[task.name] = (int(fields[0]), int(fields[1]))
        except OSError:
            return cls({})
        return cls(times)

    def since(self, earlier: "CoreClock") -> CoreTime:
        """The time of the threads that live now since an earlier reading, or since they began."""
        running = waiting = 0
        for thread, (running_ns, waiting_ns) in self.by_thread.items():
            before = earlier.by_thread.get(thread, (0, 0))
            running += max(0, running_ns - before[0])
            waiting += max(0, waiting_ns - before[1])
        return CoreTime(running / 1e9, waiting / 1e9)


START_OF_THREADS = CoreClock({})
"""The reading before any thread began."""


def _read(path: Path) -> str:
    """The file's text; empty where the thread has just ended."""
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
