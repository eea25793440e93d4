"""The instance's log: what the program writes, a line at a time, each with its time."""

import re
import time
from collections import deque
from pathlib import Path

from naiad.service.executors.files import LOG

_LONGEST_LINE = 256 * 1024
_KEPT = 200
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class LogWriter:
    """Appends whole lines, unbuffered. ``last`` are the latest ones, for the reason of a failure."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / LOG).open("ab", buffering=0)
        self._held = b""
        self.last: deque[str] = deque(maxlen=_KEPT)

    def feed(self, data: bytes) -> list[str]:
        """Returns the lines that are whole now; one that is too long is cut into several."""
        self._held += data
        *lines, self._held = self._held.split(b"\n")
        if len(self._held) > _LONGEST_LINE:
            lines.append(self._held)
            self._held = b""
        return [self._put(line) for line in lines]

    def say(self, text: str) -> None:
        """A line of the agent's own."""
        self._put(f"naiad: {text}".encode())

    def close(self) -> list[str]:
        """A last line without a newline counts."""
        rest = [self._put(self._held)] if self._held else []
        self._held = b""
        self._file.close()
        return rest

    def _put(self, line: bytes) -> str:
        text = _CONTROL.sub("", line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace"))
        self.last.append(text)
        self._file.write(f"{time.time_ns() // 1_000_000} {text}\n".encode())
        return text
