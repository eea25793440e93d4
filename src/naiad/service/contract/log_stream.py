"""A log as one stream over several files: those of an instance's attempts, or of a replica.

A stream's positions count the bytes of the attempts' files, one behind the other. The files of earlier attempts do not grow any
more (their agents were fenced), so a position means the same for ever, and somebody who follows the log reads on into the
next attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from naiad.service.contract.log_file import LogPage, read_events

FILE = "log"
_ONE_LINE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class LogStream:
    name: str
    """Of a job's: ``<job>/<host>-<seconds of the job's creation>``."""
    created_ms: int
    files: tuple[Path, ...]
    """By attempt; those that are not written yet count as empty."""


@dataclass(frozen=True)
class _Span:
    file: Path
    start: int
    size: int
    is_last: bool

    @property
    def end(self) -> int:
        return self.start + self.size


def size_bytes(stream: LogStream) -> int:
    return _spans(stream.files)[-1].end


def read_forward(stream: LogStream, *, start: int, limit_events: int, limit_bytes: int) -> LogPage:
    """From ``start`` on. ``last`` is where to read on: ``start`` again when nothing is new."""
    events: list[tuple[int, str]] = []
    position = start
    for span in _spans(stream.files):
        if position >= span.end and not span.is_last:
            continue
        page = _read(
            span,
            max(0, position - span.start),
            limit_events=limit_events - len(events),
            limit_bytes=limit_bytes - (position - start),
            forward=True,
        )
        events += page.events
        position = span.start + page.last
        if span.is_last or len(events) >= limit_events or position - start >= limit_bytes:
            break
        if page.events and not _is_at_end(span, page.last):
            break
        position = span.end  # behind a torn last line, which a killed agent leaves
    return LogPage(tuple(events), start, position)


def read_backward(stream: LogStream, *, end: int, limit_events: int, limit_bytes: int) -> LogPage:
    """What is before ``end``, the last of it, in the order of time. ``first`` is where to read on backward."""
    for span in reversed(_spans(stream.files)):
        if end <= span.start:
            continue
        stop = min(end, span.end) - span.start
        page = _read(span, stop, limit_events=limit_events, limit_bytes=limit_bytes, forward=False)
        if page.events:
            return LogPage(page.events, span.start + page.first, span.start + page.last)
    return LogPage((), end, end)


def _read(span: _Span, start: int, *, limit_events: int, limit_bytes: int, forward: bool) -> LogPage:
    if not span.size:
        return LogPage((), start, start)
    return read_events(span.file, start=start, limit_events=limit_events, limit_bytes=limit_bytes, forward=forward)


def _is_at_end(span: _Span, last: int) -> bool:
    return not _read(span, last, limit_events=1, limit_bytes=_ONE_LINE_BYTES, forward=True).events


def _spans(files: Sequence[Path]) -> list[_Span]:
    spans: list[_Span] = []
    start = 0
    for index, file in enumerate(files):
        size = file.stat().st_size if file.exists() else 0
        spans.append(_Span(file, start, size, is_last=index == len(files) - 1))
        start += size
    return spans
