"""A warm interpreter beside the server, from which agents are forked with their libraries loaded.

Where it fails, agents start cold.
"""

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

from naiad.service.executors.files import ENVIRONMENT

_LOG = logging.getLogger(__name__)
_MODULE = "naiad.service.jobs.agent.warm"
LIBRARIES = ("torch", "torchvision")
_ANSWERS_WITHIN_S = 2.0
_MOST_FAILURES = 3
_LONGEST_LINE = 64
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "XDG_CACHE_HOME")
_KEPT_FAMILIES = ("LC_", "PYTHON", "CUDA_", "NVIDIA_")
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")


class WarmInterpreter:
    """Loads in the background; begun again when packages were installed, or when it died.

    ``agent`` and ``close`` are for one thread.
    """

    def __init__(self, log: Path, *, libraries: tuple[str, ...] = LIBRARIES) -> None:
        self._log, self._libraries = log, libraries
        self._failures = 0
        self._begin()

    def wait_until_ready(self, timeout_s: float) -> bool:
        return self._ready.wait(timeout_s)

    @property
    def pid(self) -> int:
        return self._child.pid

    def agent(self, folder: Path) -> int | None:
        """The process id of a new agent for ``folder``; None when there is nothing warm: start it otherwise."""
        if self._child.poll() is not None or self._installed != _packages():
            self._begin_again()
        if not self._ready.is_set():
            return None
        try:
            _leave_environment(folder)
            self._orders.sendall(f"{folder}\n".encode())
            return int(_line(self._orders))
        except (OSError, ValueError) as error:
            _LOG.warning("the warm interpreter does not answer (%s): the job starts cold", error)
            self._begin_again()
            return None

    def close(self) -> None:
        """Its agents live on."""
        self._orders.close()
        self._child.kill()
        self._child.wait()

    def _begin_again(self) -> None:
        self._failures += self._child.poll() is not None
        if self._failures <= _MOST_FAILURES:
            self.close()
            self._begin()

    def _begin(self) -> None:
        self._installed, self._ready = _packages(), threading.Event()
        self._orders, its = socket.socketpair()
        with its, self._log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603  # reason: our own program, no shell
                [sys.executable, "-m", _MODULE, *self._libraries],
                env=_environment(),
                stdin=its.fileno(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        threading.Thread(target=_tell_when_ready, args=(self._orders, self._ready), name="warm", daemon=True).start()


def _tell_when_ready(orders: socket.socket, ready: threading.Event) -> None:
    with contextlib.suppress(OSError):
        if _line(orders):
            orders.settimeout(_ANSWERS_WITHIN_S)
            ready.set()


def _line(orders: socket.socket) -> bytes:
    """Without its end; empty when there is nobody any more. Raises OSError, also when it takes too long."""
    found = b""
    while not found.endswith(b"\n"):
        block = orders.recv(_LONGEST_LINE)
        if not block:
            return b""
        found += block
    return found.rstrip(b"\n")


def _environment() -> dict[str, str]:
    """What an interpreter needs, without what steers the libraries and without the server's secrets.

    A program is a fork of this process, and can read what it began with.
    """
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_KEPT_FAMILIES)}
    return {**kept, **_ONE_THREAD, "LANG": "C.UTF-8", "MPLBACKEND": "agg"}


def _leave_environment(folder: Path) -> None:
    """For the agent, which reaches the store as the server does; it takes it away."""
    descriptor = os.open(folder / ENVIRONMENT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(dict(os.environ), file)


def _packages() -> str:
    """Changes when a package is installed or removed."""
    places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return " ".join(str(Path(place).stat().st_mtime_ns) for place in sorted(places) if Path(place).is_dir())
