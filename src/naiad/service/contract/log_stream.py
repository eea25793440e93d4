"""A log stream over several files: those of an instance's attempts, or of a replica's processes.

A position in a stream counts the bytes of the files, one after the other. The files of earlier attempts no longer grow (their
agents are dead), so a position keeps its meaning, and a client that follows the log continues into the next attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from naiad.service.contract.log_file import LogPage, read_events

_MAX_LINE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class LogStream:
    name: str
    """``<job>/<host>-<seconds of the job's creation>`` for a job."""
    created_ms: int
    files: tuple[Path, ...]
    """One for each attempt; a file that does not exist yet counts as empty."""


@dataclass(frozen=True)
class _Span:
    """The positions that one file has in the stream."""

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
    """Returns the events from ``start`` on. The page's ``end`` is where to read on: ``start`` when there is nothing new."""
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
        position = span.start + page.end
        if span.is_last or len(events) >= limit_events or position - start >= limit_bytes:
            break
        if page.events and not _is_at_end(span, page.end):
            break
        position = span.end  # skips the incomplete last line of a killed agent
    return LogPage(tuple(events), start, position)


def read_backward(stream: LogStream, *, end: int, limit_events: int, limit_bytes: int) -> LogPage:
    """Returns the last events before ``end``, in order of time. The page's ``start`` is where to read on backward."""
    for span in reversed(_spans(stream.files)):
        if end <= span.start:
            continue
        stop = min(end, span.end) - span.start
        page = _read(span, stop, limit_events=limit_events, limit_bytes=limit_bytes, forward=False)
        if page.events:
            return LogPage(page.events, span.start + page.start, span.start + page.end)
    return LogPage((), end, end)


def _read(span: _Span, start: int, *, limit_events: int, limit_bytes: int, forward: bool) -> LogPage:
    if not span.size:
        return LogPage((), start, start)
    return read_events(span.file, start=start, limit_events=limit_events, limit_bytes=limit_bytes, forward=forward)


def _is_at_end(span: _Span, offset: int) -> bool:
    return not _read(span, offset, limit_events=1, limit_bytes=_MAX_LINE_BYTES, forward=True).events


def _spans(files: Sequence[Path]) -> list[_Span]:
    spans: list[_Span] = []
    start = 0
    for index, file in enumerate(files):
        size = file.stat().st_size if file.exists() else 0
        spans.append(_Span(file, start, size, is_last=index == len(files) - 1))
        start += size
    return spans
