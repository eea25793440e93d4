"""The instance's log: what the program writes, a line at a time, each with its time."""

import re
import time
from collections import deque
from pathlib import Path

from naiad.service.executors.files import LOG

_LONGEST_LINE = 256 * 1024
_KEPT = 200
_MOST_BYTES = 2**30
"""Of one instance: the disk is for all jobs."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class LogWriter:
    """Appends whole lines, unbuffered. ``last`` are the latest ones of the program, for the reason of a failure.

    Of the program's lines at most ``most_bytes`` are kept, and a line says so; the others are still returned.
    """

    def __init__(self, folder: Path, *, most_bytes: int = _MOST_BYTES) -> None:
        self._file = (folder / LOG).open("ab", buffering=0)
        self._held = b""
        self._most_bytes = self._room_bytes = most_bytes
        self.last: deque[str] = deque(maxlen=_KEPT)

    def feed(self, data: bytes) -> list[str]:
        """Returns the lines that are whole now; one that is too long is cut into several."""
        self._held += data
        *lines, self._held = self._held.split(b"\n")
        if len(self._held) > _LONGEST_LINE:
            lines.append(self._held)
            self._held = b""
        return [self._of_program(line) for line in lines]

    def say(self, text: str) -> None:
        """A line of the agent's own; it may hold names that a program has made up."""
        self._put(f"naiad: {_clean(' '.join(text.splitlines()).encode('utf-8', 'replace'))}")

    def rest(self) -> list[str]:
        """At the program's end: a last line without a newline counts."""
        rest = [self._of_program(self._held)] if self._held else []
        self._held = b""
        return rest

    def close(self) -> None:
        self._file.close()

    def _of_program(self, line: bytes) -> str:
        text = _clean(line)
        self.last.append(text)
        if self._room_bytes > 0:
            self._room_bytes -= self._put(text)
            if self._room_bytes <= 0:
                self.say(f"the log is full: no more than {self._most_bytes:,} bytes are kept of what a program says")
        return text

    def _put(self, text: str) -> int:
        line = f"{time.time_ns() // 1_000_000} {text}\n".encode()
        self._file.write(line)
        return len(line)


def _clean(line: bytes) -> str:
    """What a terminal would show at the end of the line: a progress bar has many states, and the last one stays."""
    return _CONTROL.sub("", line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace"))
