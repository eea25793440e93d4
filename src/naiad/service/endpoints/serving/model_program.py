"""Model program: a program that runs to its end with a model, such as pip or a benchmark, within the limits of an instance."""

import contextlib
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from naiad.service.domain.errors import Invalid
from naiad.service.endpoints.serving.instance_limits import excess_reason
from naiad.service.walls.launch_request import LaunchRequest
from naiad.service.walls.resource_guard import USAGE_INTERVAL_S, ResourceGuard
from naiad.service.walls.start import start_program

_MAX_OUTPUT_BYTES = 64 * 2**20


@dataclass(frozen=True)
class ProgramOutput:
    status: int
    stdout: str
    stderr: str


class ModelProgram:
    """It ends with the thread that makes it. ``wait`` may be called in another one."""

    def __init__(self, request: LaunchRequest, guard: ResourceGuard, folder: Path) -> None:
        """Starts it. The output goes into files without names in ``folder``. Raises OSError."""
        self._guard = guard
        self._title = " ".join(request.words[:4])
        with contextlib.ExitStack() as files:
            self._stdout, self._stderr = (files.enter_context(tempfile.TemporaryFile(dir=folder)) for _ in range(2))
            self._process = start_program(request, stdout=self._stdout.fileno(), stderr=self._stderr.fileno())
            self._files = files.pop_all()

    def wait(self, timeout_s: float) -> ProgramOutput:
        """Returns when it has ended. Raises Invalid when it takes too long, or more than it may. To be called once."""
        try:
            status = self._wait(time.monotonic() + timeout_s, timeout_s)
            if status != 0 and (excess := self._guard.held_excess()) is not None:
                raise Invalid(f"{self._title} was ended: {excess_reason(excess)}")
            return ProgramOutput(status, self._read(self._stdout.fileno()), self._read(self._stderr.fileno()))
        finally:
            self.kill()
            self._process.wait()
            self._guard.close()
            self._files.close()

    def kill(self) -> None:
        self._process.kill()

    def _wait(self, deadline: float, timeout_s: float) -> int:
        while True:
            try:
                return self._process.wait(USAGE_INTERVAL_S)
            except subprocess.TimeoutExpired:
                self._check_usage()
            if time.monotonic() > deadline:
                raise Invalid(f"{self._title} took longer than {timeout_s:g} s")

    def _check_usage(self) -> None:
        if (excess := self._guard.find_excess(self._process.pid)) is not None:
            raise Invalid(f"{self._title} was ended: {excess_reason(excess)}")
        if any(os.fstat(file.fileno()).st_size > _MAX_OUTPUT_BYTES for file in (self._stdout, self._stderr)):
            raise Invalid(f"{self._title} was ended: it printed more than {_MAX_OUTPUT_BYTES / 2**20:g} MiB")

    @staticmethod
    def _read(descriptor: int) -> str:
        return os.pread(descriptor, _MAX_OUTPUT_BYTES, 0).decode(errors="replace")
