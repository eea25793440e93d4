"""The search over hyperparameters, which needs torch and so is a process: requests and answers are lines of JSON.

The process keeps nothing between two requests: each has the whole history. So it may be killed at any moment, it ends when nobody
has asked for a while, and one serves all tuning jobs.
"""

import json
import logging
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any, Protocol

from naiad.service.domain.errors import ServiceError

_LOG = logging.getLogger(__name__)
_TIMEOUT_S = 900.0
"""A process that has not answered for so long is ended. One value of 30 dimensions after 200 trials takes two minutes."""
_IDLE_S = 120.0
_END_TIMEOUT_S = 5.0
_NICENESS = 10
"""The search does not hold up the programs, whose cores it uses."""
_BLOCK_BYTES = 65_536
_MAX_ANSWER_BYTES = 64 * 2**20
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "TMPDIR")


class SearchError(ServiceError):
    """The search has refused a request, or its process has ended."""


class Search(Protocol):
    def submit(self, request: Mapping[str, Any]) -> "Future[dict[str, Any]]":
        """Returns at once. The future has the answer, or raises SearchError."""

    def end_idle(self) -> None:
        """Ends a process that nobody has asked for a while."""

    def close(self) -> None:
        """Ends the process. Requests that have not been answered raise SearchError."""


class SearchProcess:
    """One process, and one thread that speaks with it: it answers one request after the other."""

    def __init__(self, command: Sequence[str], *, timeout_s: float = _TIMEOUT_S, idle_s: float = _IDLE_S) -> None:
        self._command, self._timeout_s, self._idle_s = tuple(command), timeout_s, idle_s
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")
        self._mutex = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._used_at_s = time.monotonic()
        self._is_busy, self._is_closed = False, False

    def submit(self, request: Mapping[str, Any]) -> "Future[dict[str, Any]]":
        return self._thread.submit(self._call, json.dumps(request, allow_nan=False))

    def end_idle(self) -> None:
        with self._mutex:
            if not self._is_busy and time.monotonic() - self._used_at_s > self._idle_s:
                self._end()

    def close(self) -> None:
        with self._mutex:
            self._is_closed = True
            if self._process is not None:
                self._process.kill()  # the thread that reads its answer closes the pipes
        self._thread.shutdown(wait=True, cancel_futures=True)
        with self._mutex:
            self._end()

    def _call(self, line: str) -> dict[str, Any]:
        with self._mutex:
            if self._is_closed:
                raise SearchError("the search is closed")
            self._is_busy = True
            process = self._start()
        try:
            answer = _exchange(process, line.encode() + b"\n", time.monotonic() + self._timeout_s)
        except SearchError:
            with self._mutex:
                self._end()
            raise
        finally:
            self._is_busy, self._used_at_s = False, time.monotonic()
        if "error" in answer:
            raise SearchError(f"the search says: {answer['error']}")
        return answer

    def _start(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._end()
            variables = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
            self._process = subprocess.Popen(  # noqa: S603  # reason: our own program
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**variables, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self._process.pid, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()


def _exchange(process: "subprocess.Popen[bytes]", line: bytes, deadline_s: float) -> dict[str, Any]:
    """Writes a line and reads the next one. Raises SearchError."""
    assert process.stdin is not None
    assert process.stdout is not None
    received, to_write = bytearray(), memoryview(line)
    with selectors.DefaultSelector() as selector:
        _register(selector, process.stdin, selectors.EVENT_WRITE)
        _register(selector, process.stdout, selectors.EVENT_READ)
        while not received.endswith(b"\n"):
            ready = selector.select(max(0.0, deadline_s - time.monotonic()))
            if not ready:
                raise SearchError("the search has not answered in time")
            for key, _ in ready:
                if key.fileobj is process.stdout:
                    received += _read(process)
                    if len(received) > _MAX_ANSWER_BYTES:
                        raise SearchError(f"the search has answered more than {_MAX_ANSWER_BYTES:,} bytes")
                else:
                    to_write = to_write[_write(process.stdin, to_write) :]
                    if not to_write:
                        selector.unregister(process.stdin)
    return _parse(bytes(received))


def _register(selector: selectors.BaseSelector, pipe: IO[bytes], events: int) -> None:
    os.set_blocking(pipe.fileno(), False)
    selector.register(pipe, events)


def _write(pipe: IO[bytes], data: memoryview) -> int:
    try:
        return os.write(pipe.fileno(), data[:_BLOCK_BYTES])
    except BlockingIOError:
        return 0
    except OSError as error:
        raise SearchError(f"the search process has ended: {error.strerror}") from error


def _read(process: "subprocess.Popen[bytes]") -> bytes:
    assert process.stdout is not None
    try:
        data = os.read(process.stdout.fileno(), _BLOCK_BYTES)
    except BlockingIOError:
        return b""
    if not data:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_TIMEOUT_S)
        raise SearchError(
            f"the search process has ended with status {process.returncode}; its last lines are in the server's log "
            "(is the trainer installed, with torch and optuna?)"
        )
    return data


def _parse(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise SearchError(f"the search has answered {line[:80]!r}, which is no JSON") from error
    if not isinstance(answer, dict):
        raise SearchError(f"the search has answered {line[:80]!r}, which is no object")
    return answer
