"""A program as a process: what the monitor needs of it, and the way to start a new one."""

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol, cast

from naiad.service.walls.namespaces import die_with_parent


class ProgramProcess(Protocol):
    """A program that has been started, in a session of its own."""

    pid: int
    stdout_fd: int

    def poll(self) -> int | None: ...

    def wait(self) -> int: ...

    def close(self) -> None:
        """Stops reading its output."""


class NewProcess:
    """A program as a new process. Raises OSError.

    For the main thread: the program dies when the thread that starts it ends.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], *, cwd: Path, cpus: Sequence[int]) -> None:
        def prepare() -> None:
            die_with_parent()
            if cpus:
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(0, cpus)

        self._process = subprocess.Popen(  # noqa: S603  # reason: the user's own program
            list(words),
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509  # reason: one thread, and only system calls
        )
        self._stdout = cast("IO[bytes]", self._process.stdout)
        self.pid, self.stdout_fd = self._process.pid, self._stdout.fileno()

    def poll(self) -> int | None:
        return self._process.poll()

    def wait(self) -> int:
        return self._process.wait()

    def close(self) -> None:
        self._stdout.close()
