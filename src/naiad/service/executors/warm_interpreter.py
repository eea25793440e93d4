"""A warm interpreter beside the server, from which agents are forked with their libraries already loaded.

Whenever it fails, agents start cold.
"""

import contextlib
import logging
import os
import socket
import subprocess
import sysconfig
import threading
from pathlib import Path
from typing import IO

from naiad.service.executors.instance_files import write_environment

_LOG = logging.getLogger(__name__)
LIBRARIES = ("torch", "torchvision")
_ANSWER_TIMEOUT_S = 2.0
_MAX_FAILURES = 3
_MAX_LINE_BYTES = 64
_PASSED_VARIABLES = frozenset(
    ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "XDG_CACHE_HOME")
)
_PASSED_PREFIXES = ("LC_", "PYTHON", "CUDA_", "NVIDIA_")
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")


class WarmInterpreter:
    """Loads its libraries in the background, and is restarted when packages were installed or when it has died.

    ``fork_agent`` and ``close`` are for one thread. ``command`` starts the interpreter's program; the libraries are its
    arguments.
    """

    def __init__(self, command: tuple[str, ...], log: Path, *, libraries: tuple[str, ...] = LIBRARIES) -> None:
        self._command, self._log, self._libraries = command, log, libraries
        self._failures = 0
        self._start()

    def wait_until_ready(self, timeout_s: float) -> bool:
        return self._ready.wait(timeout_s)

    @property
    def pid(self) -> int:
        return self._child.pid

    def fork_agent(self, folder: Path) -> int | None:
        """Returns the process id of a new agent for ``folder``; None when nothing is warm and the agent must start cold."""
        if self._child.poll() is not None or self._packages_version != _packages_version():
            self._restart()
        if not self._ready.is_set():
            return None
        try:
            write_environment(folder, os.environ)
            self._requests.sendall(f"{folder}\n".encode())
            return int(_read_line(self._requests))
        except (OSError, ValueError) as error:
            _LOG.warning("the warm interpreter does not answer (%s): the job starts cold", error)
            self._restart()
            return None

    def close(self) -> None:
        """Ends the interpreter. Its agents live on."""
        self._requests.close()
        self._child.kill()
        self._child.wait()

    def _restart(self) -> None:
        self._failures += self._child.poll() is not None
        if self._failures <= _MAX_FAILURES:
            self.close()
            self._start()

    def _start(self) -> None:
        self._packages_version, self._ready = _packages_version(), threading.Event()
        self._requests, child_socket = socket.socketpair()
        with child_socket, _open_log(self._log) as log:
            self._child = subprocess.Popen(  # noqa: S603  # reason: our own program, no shell
                [*self._command, *self._libraries],
                env=_clean_environment(),
                stdin=child_socket.fileno(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        threading.Thread(target=_wait_for_child, args=(self._requests, self._ready), name="warm", daemon=True).start()


def _wait_for_child(requests: socket.socket, ready: threading.Event) -> None:
    """Sets ``ready`` when the child has written its first line."""
    with contextlib.suppress(OSError):
        if _read_line(requests):
            requests.settimeout(_ANSWER_TIMEOUT_S)
            ready.set()


def _open_log(path: Path) -> IO[bytes]:
    """Opens the log for appending; what is written is lost where it cannot be opened, as on a full disk."""
    try:
        return path.open("ab")
    except OSError as error:
        _LOG.warning("%s cannot be written: %s", path, error)
        return Path(os.devnull).open("ab")


def _read_line(requests: socket.socket) -> bytes:
    """Returns a line without its newline; empty when the socket was closed. Raises OSError, also when it takes too long."""
    line = b""
    while not line.endswith(b"\n"):
        block = requests.recv(_MAX_LINE_BYTES)
        if not block:
            return b""
        line += block
    return line.rstrip(b"\n")


def _clean_environment() -> dict[str, str]:
    """Returns what an interpreter needs, without settings of the libraries and without the server's secrets.

    A program is a fork of this process and can read the environment that it started with.
    """
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_VARIABLES or name.startswith(_PASSED_PREFIXES)
    }
    return {**passed, **_ONE_THREAD, "LANG": "C.UTF-8", "MPLBACKEND": "agg"}


def _packages_version() -> str:
    """Returns a text that changes when a package is installed or removed."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return " ".join(str(Path(folder).stat().st_mtime_ns) for folder in sorted(folders) if Path(folder).is_dir())
