"""Faults of a disk: the n-th write below a folder fails with an errno, once or from then on. ``write_faults.c`` does it.

A process that was started with ``environment`` obeys, and so do the processes that it starts.
"""

import errno
import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path
from types import TracebackType

_SOURCE = Path(__file__).with_suffix(".c")
_COUNTERS = struct.Struct("5q")
"""at, errno, sticky, count, failed: as in the C source."""
_TEXT_BYTES = 1024
ERRNOS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO}
COUNT_ONLY = -1


def compiler() -> str | None:
    return shutil.which("cc")


def environment(library: Path, control: Path) -> dict[str, str]:
    """Returns the environment of a process that obeys the control block."""
    return {**os.environ, "LD_PRELOAD": str(library), "NAIAD_FAULTS": str(control)}


def compile_shim(folder: Path) -> Path:
    """Returns the library, which is compiled into the folder. Raises CalledProcessError."""
    library = folder / "write_faults.so"
    command = [compiler() or "cc", "-O1", "-shared", "-fPIC", "-w", "-o", str(library), str(_SOURCE), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return library


class WriteFaults:
    """The control block of the faults, in a file that must not lie below the folder whose writes fail."""

    def __init__(self, control: Path) -> None:
        """``control``: a file that ``make`` has written."""
        self._file = control.open("r+b")
        self._map = mmap.mmap(self._file.fileno(), 0)

    @classmethod
    def make(cls, control: Path) -> "WriteFaults":
        control.write_bytes(bytes(_COUNTERS.size + 2 * _TEXT_BYTES))
        return cls(control)

    def arm(self, folder: Path, at: int, number: int = errno.ENOSPC, *, sticky: bool = False) -> None:
        """``at``: 1 is the next write; COUNT_ONLY fails none. ``sticky``: all later writes fail, too."""
        self.disarm()
        texts = str(folder).encode().ljust(_TEXT_BYTES, b"\0") + bytes(_TEXT_BYTES)
        self._map[_COUNTERS.size :] = texts
        self._map[: _COUNTERS.size] = _COUNTERS.pack(at, number, sticky, 0, 0)

    def disarm(self) -> None:
        self._map[:8] = bytes(8)

    @property
    def count(self) -> int:
        """The writes since ``arm``."""
        return int(_COUNTERS.unpack(self._map[: _COUNTERS.size])[3])

    @property
    def failed(self) -> int:
        return int(_COUNTERS.unpack(self._map[: _COUNTERS.size])[4])

    @property
    def first_failed(self) -> str:
        """The first call that failed, with its path."""
        return self._map[_COUNTERS.size + _TEXT_BYTES :].rstrip(b"\0").decode(errors="replace")

    def close(self) -> None:
        self._map.close()
        self._file.close()

    def __enter__(self) -> "WriteFaults":
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.close()
