"""The wait of torch's OpenMP threads for each other: they spin or sleep.

A thread that spins answers at once, but holds a core that another program, or the very thread that it waits for, could use.
GNU's library reads OMP_WAIT_POLICY only when it is loaded. It spins no longer, however, while it has more threads than there are
cores (``do_spin`` in libgomp's ``config/linux/wait.h``). A team of sleeping threads therefore makes all others sleep, too, and
its end lets them spin again. What the threads compute does not change.
"""

import ctypes
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MAPS = Path("/proc/self/maps")
_USERS_SETTINGS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
_MOST_CORES = 128
"""Cores up to which a team of sleeping threads is used: a larger one was never measured."""


class SleepingTeam:
    """Makes the threads of one OpenMP library sleep while they wait, from ``start`` to ``end``."""

    def __init__(self, library: Any, size: int) -> None:
        self._library, self._size = library, size
        self._end: threading.Event | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        return self._thread is not None

    def start(self) -> None:
        """Does nothing where it is running."""
        if self._thread is None:
            started, self._end = threading.Event(), threading.Event()
            self._thread = threading.Thread(target=self._hold, args=(started, self._end), name="openmp", daemon=True)
            self._thread.start()
            started.wait()

    def end(self) -> None:
        """Does nothing where it is not running."""
        if self._thread is not None and self._end is not None:
            self._end.set()
            self._thread.join()
            self._thread = None

    def _hold(self, started: threading.Event, end: threading.Event) -> None:
        """Opens a team, which sleeps until the thread that has opened it ends. Each of its threads calls ``free(NULL)`` once."""
        nothing = ctypes.cast(ctypes.CDLL(None).free, ctypes.c_void_p)
        self._library.GOMP_parallel(nothing, None, ctypes.c_uint(self._size), ctypes.c_uint(0))
        started.set()
        end.wait()


def find_sleeping_team(environment: Mapping[str, str] = os.environ, *, maps: Path = _MAPS) -> SleepingTeam | None:
    """Returns None where the user has set how threads wait, and where torch has loaded another library than GNU's."""
    cores = os.cpu_count() or 1
    if any(name in environment for name in _USERS_SETTINGS) or not 1 < cores <= _MOST_CORES:
        return None
    path = _torch_libgomp(maps)
    if path is None:
        return None
    try:
        library = ctypes.CDLL(path)
        return SleepingTeam(library, cores + 1) if hasattr(library, "GOMP_parallel") else None
    except OSError:
        return None


def _torch_libgomp(maps: Path) -> str | None:
    """The path of the libgomp that torch has loaded: its own, or, where its packager took that away, the only one."""
    try:
        lines = maps.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    paths = sorted({fields[5] for fields in (line.split(None, 5) for line in lines) if "libgomp" in fields[-1]})
    own = [path for path in paths if "/torch/" in path or "/torch.libs/" in path]
    return own[0] if own else paths[0] if len(paths) == 1 else None
