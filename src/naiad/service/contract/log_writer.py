"""Writes the log of an instance: the lines of its program, each with its time, and messages of Naiad's own."""

import re
import time
import unicodedata
from collections import deque
from pathlib import Path

from naiad.disk_room import log_quota_bytes
from naiad.service.contract.log_output import LogOutput
from naiad.service.executors.instance_files import LOG_FILE

_MAX_LINE_BYTES = 256 * 1024
_LAST_LINES = 200
_MAX_LOG_BYTES = 2**30
"""Limit for one instance: the disk is for all jobs."""
_PROGRAM = "program: "
_MAX_BEGINNING = 200
_MESSAGE = re.compile(r"(?:\[[^\]]*\]|<[^>]*>|[^\w\[<])*naiad\W*:", re.IGNORECASE)
"""Any brackets and marks, as ``[algo-1]`` of an instance, before the name."""
_UNSEEN = ("Mn", "Cf", "Cc", "Zl", "Zp")
_LOOK_ALIKES = str.maketrans("аɑαіıιɩԁոｎ", "aaaiiiidnn")  # noqa: RUF001  # reason: letters of other scripts that look so
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class LogWriter:
    """Appends whole lines, unbuffered. ``last_lines`` are the program's latest ones, for the reason of a failure.

    A line of the program that looks like a message of Naiad's gets ``program: `` before it; no other one is changed.

    Writes at most ``max_bytes`` of the program's lines, and a message when that is reached; further lines are still returned.
    None: 1 GiB, or a sixteenth of the disk. A line that finds no room on the disk is left out, and the log says so.
    """

    def __init__(self, folder: Path, *, max_bytes: int | None = None) -> None:
        self._file = LogOutput(folder / LOG_FILE)
        self._unfinished_line = b""
        self._max_bytes = log_quota_bytes(folder, _MAX_LOG_BYTES) if max_bytes is None else max_bytes
        self._room_bytes = self._max_bytes
        self.last_lines: deque[str] = deque(maxlen=_LAST_LINES)

    def feed(self, data: bytes) -> list[str]:
        """Writes the program's output. Returns the lines that it completes; one that is too long is cut into several."""
        self._unfinished_line += data
        *lines, self._unfinished_line = self._unfinished_line.split(b"\n")
        if len(self._unfinished_line) > _MAX_LINE_BYTES:
            lines.append(self._unfinished_line)
            self._unfinished_line = b""
        return [self._write_program_line(line) for line in lines]

    def flush(self) -> list[str]:
        """Writes and returns the program's last line when it has no newline. Called when the program has ended."""
        lines = [self._write_program_line(self._unfinished_line)] if self._unfinished_line else []
        self._unfinished_line = b""
        return lines

    def write_message(self, text: str) -> None:
        """Writes a line of Naiad's own. It may hold names that a program has made up."""
        self._write(f"naiad: {_visible_text(' '.join(text.splitlines()).encode('utf-8', 'replace'))}")

    def close(self) -> None:
        self._file.close()

    def _write_program_line(self, line: bytes) -> str:
        text = _visible_text(line)
        self.last_lines.append(text)
        if self._room_bytes > 0:
            self._room_bytes -= self._write(f"{_PROGRAM}{text}" if is_like_message(text) else text)
            if self._room_bytes <= 0:
                self.write_message(f"the log is full: at most {self._max_bytes:,} bytes of a program's output are kept")
        return text

    def _write(self, text: str) -> int:
        return self._file.write(f"{time.time_ns() // 1_000_000} {text}\n".encode())


def is_like_message(line: str) -> bool:
    """Whether a reader would take the line for a message of Naiad's, also behind marks, in other letters or with hidden ones."""
    beginning = line[:_MAX_BEGINNING]
    if not beginning.isascii():
        folded = unicodedata.normalize("NFKD", beginning).translate(_LOOK_ALIKES)
        beginning = "".join(letter for letter in folded if unicodedata.category(letter) not in _UNSEEN)
    return _MESSAGE.match(beginning) is not None


def _visible_text(line: bytes) -> str:
    """Returns what a terminal would show of the line: the last state of a progress bar, without control characters."""
    return _CONTROL_CHARACTERS.sub("", line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace"))
