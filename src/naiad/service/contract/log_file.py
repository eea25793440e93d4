"""The log of an instance as a file: lines of ``<epoch ms> <text>``, only ever appended to. Positions are byte offsets.

Written by the agent, read by the gateway. A line without its newline is still being written, and is not read.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LogPage:
    events: tuple[tuple[int, str], ...]
    """(epoch ms, text), in the order of the file."""
    first: int
    last: int
    """The byte offsets where the events begin and end."""


def read_events(path: Path, *, start: int, limit_events: int, limit_bytes: int, forward: bool) -> LogPage:
    """From ``start`` on, or, backwards, those that end at ``start``. At least one event where there is one, whatever its size.

    A file that is not there yet is empty. ``start`` is an offset that an earlier page gave, 0, or the file's size.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return LogPage((), start, start)
    if forward:
        return _forward(path, min(start, size), limit_events, limit_bytes)
    return _backward(path, min(start, size), limit_events, limit_bytes)


def _forward(path: Path, start: int, limit_events: int, limit_bytes: int) -> LogPage:
    events: list[tuple[int, str]] = []
    end = start
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            too_much = end + len(line) - start > limit_bytes and events
            if not line.endswith(b"\n") or too_much or len(events) >= limit_events:
                break
            events.append(_event(line))
            end += len(line)
    return LogPage(tuple(events), start, end)


def _backward(path: Path, end: int, limit_events: int, limit_bytes: int) -> LogPage:
    """Reads a window before ``end``, wider and wider until it holds a whole line or the file's beginning."""
    window = limit_bytes
    while True:
        low = max(0, end - window)
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
        window *= 2
    chosen = lines[-limit_events:] if limit_events else []
    return LogPage(tuple(map(_event, chosen)), end - sum(map(len, chosen)), end)


def _event(line: bytes) -> tuple[int, str]:
    time, _, text = line.rstrip(b"\n").partition(b" ")
    return (int(time) if time.isdigit() else 0), text.decode("utf-8", "replace")
