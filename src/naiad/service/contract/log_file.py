"""The log of an instance as a file: lines of ``<epoch ms> <text>``, only ever appended to. Positions are byte offsets.

The agent writes it, the gateway reads it. A line without its newline is still being written, and is not read.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LogPage:
    events: tuple[tuple[int, str], ...]
    """(epoch ms, text), in the order of the file."""
    start: int
    """The byte offset at which the first event begins."""
    end: int
    """The byte offset behind the last event."""


def read_events(path: Path, *, start: int, limit_events: int, limit_bytes: int, forward: bool) -> LogPage:
    """Returns the events from ``start`` on, or, backward, those that end at ``start``.

    Returns at least one event where there is one, whatever its size. A file that does not exist yet is empty. ``start`` is an
    offset of an earlier page, 0, or the file's size.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return LogPage((), start, start)
    if forward:
        return _read_forward(path, min(start, size), limit_events, limit_bytes)
    return _read_backward(path, min(start, size), limit_events, limit_bytes)


def _read_forward(path: Path, start: int, limit_events: int, limit_bytes: int) -> LogPage:
    events: list[tuple[int, str]] = []
    end = start
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            is_page_full = end + len(line) - start > limit_bytes and events
            if not line.endswith(b"\n") or is_page_full or len(events) >= limit_events:
                break
            events.append(_event(line))
            end += len(line)
    return LogPage(tuple(events), start, end)


def _read_backward(path: Path, end: int, limit_events: int, limit_bytes: int) -> LogPage:
    """Reads a window before ``end``, and widens it until it holds a whole line or begins at the file's beginning."""
    window_bytes = limit_bytes
    while True:
        low = max(0, end - window_bytes)
        with path.open("rb") as file:
            file.seek(low)
            data = file.read(end - low)
        lines = data.splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            end -= len(lines.pop())  # still being written
        if low > 0:
            lines = lines[1:]  # it may have begun before the window
        if lines or low == 0:
            break
        window_bytes *= 2
    page = lines[-limit_events:] if limit_events else []
    return LogPage(tuple(map(_event, page)), end - sum(map(len, page)), end)


def _event(line: bytes) -> tuple[int, str]:
    time, _, text = line.rstrip(b"\n").partition(b" ")
    return (int(time) if time.isdigit() else 0), text.decode("utf-8", "replace")
