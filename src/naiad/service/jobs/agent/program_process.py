"""A program as a process: what the monitor needs of it, and the way to start a new one."""

import subprocess
from typing import IO, Protocol, cast

from naiad.service.walls.launch_request import LaunchRequest
from naiad.service.walls.start import start_program


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

    def __init__(self, request: LaunchRequest, channel: int | None = None) -> None:
        """``channel``: as ``start_program`` has it."""
        self._process = start_program(request, stdout=subprocess.PIPE, channel=channel)
        self._stdout = cast("IO[bytes]", self._process.stdout)
        self.pid, self.stdout_fd = self._process.pid, self._stdout.fileno()

    def poll(self) -> int | None:
        return self._process.poll()

    def wait(self) -> int:
        return self._process.wait()

    def close(self) -> None:
        self._stdout.close()
