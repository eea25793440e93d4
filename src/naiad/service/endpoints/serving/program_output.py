"""Output of a program that runs to its end: its last part is kept, its lines are passed on, and the rest is forgotten."""

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import IO

MAX_KEPT_BYTES = 2**20
"""The part that is kept of each of stdout and stderr."""
MAX_LINES = 10_000
"""Lines that are passed on of each; a program may print hundreds of megabytes."""
_MAX_LINE_BYTES = 4096
_READ_BYTES = 64 * 1024
CHECK_INTERVAL_S = 0.5


def collect_output(
    process: "subprocess.Popen[bytes]",
    *,
    timeout_s: float,
    on_line: Callable[[str], None] = lambda _: None,
    check: Callable[[int], None] = lambda _: None,
) -> tuple[str, str]:
    """Returns the ends of stdout and stderr when the process has exited; "" for one that is no pipe. Blocks.

    ``check``: called every now and then with the number of bytes that were printed. What it raises is raised here.
    Raises subprocess.TimeoutExpired; the process runs on then.
    """
    deadline, check_at = time.monotonic() + timeout_s, time.monotonic() + CHECK_INTERVAL_S
    streams = {pipe: _Stream(on_line) for pipe in (process.stdout, process.stderr) if pipe is not None}
    with selectors.DefaultSelector() as selector:
        for pipe in streams:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map() or process.poll() is None:
            now = time.monotonic()
            if now >= deadline:
                raise subprocess.TimeoutExpired(process.args, timeout_s)
            if now >= check_at:
                check(sum(stream.total_bytes for stream in streams.values()))
                check_at = time.monotonic() + CHECK_INTERVAL_S
            _read_or_wait(selector, streams, process, min(deadline, check_at) - now)
    stdout, stderr = ("" if pipe is None else streams[pipe].close() for pipe in (process.stdout, process.stderr))
    return stdout, stderr


def _read_or_wait(
    selector: selectors.BaseSelector,
    streams: "Mapping[IO[bytes], _Stream]",
    process: "subprocess.Popen[bytes]",
    timeout_s: float,
) -> None:
    """Reads what there is within the time; of a process that has closed its output, waits for the end."""
    if not selector.get_map():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, timeout_s))
        return
    for key, _ in selector.select(max(0.0, timeout_s)):
        data = os.read(key.fd, _READ_BYTES)
        if not data:
            selector.unregister(key.fileobj)
        streams[key.fileobj].add(data)  # type: ignore[index]  # reason: it is one of the pipes that were registered


class _Stream:
    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._kept, self._line, self._line_count = bytearray(), b"", 0
        self.total_bytes = 0

    def add(self, data: bytes) -> None:
        self.total_bytes += len(data)
        self._kept += data
        if len(self._kept) > 2 * MAX_KEPT_BYTES:
            del self._kept[:-MAX_KEPT_BYTES]
        if self._line_count < MAX_LINES:
            *lines, self._line = (self._line + data).split(b"\n")
            for line in lines:
                self._pass_on(line)
            self._line = self._line[:_MAX_LINE_BYTES]

    def close(self) -> str:
        if self._line:
            self._pass_on(self._line)
        return self._kept[-MAX_KEPT_BYTES:].decode(errors="replace")

    def _pass_on(self, line: bytes) -> None:
        self._line_count += 1
        if self._line_count < MAX_LINES:
            self._on_line(line[:_MAX_LINE_BYTES].decode(errors="replace"))
        elif self._line_count == MAX_LINES:
            self._on_line(f"the rest of the output is left out: it has more than {MAX_LINES:,} lines")
