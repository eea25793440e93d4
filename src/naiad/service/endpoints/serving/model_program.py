"""Model program: a program that runs to its end with a model, such as pip or a benchmark, within the limits of an instance."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from naiad.service.domain.errors import Invalid
from naiad.service.endpoints.serving.instance_limits import excess_reason
from naiad.service.endpoints.serving.program_output import collect_output
from naiad.service.walls.launch_request import LaunchRequest
from naiad.service.walls.resource_guard import ResourceGuard
from naiad.service.walls.start import start_program

_MAX_OUTPUT_BYTES = 2**30


@dataclass(frozen=True)
class ProgramOutput:
    status: int
    stdout: str
    """Its end."""
    stderr: str
    """Its end."""


class ModelProgram:
    """It ends with the thread that makes it. ``wait`` may be called in another one."""

    def __init__(self, request: LaunchRequest, guard: ResourceGuard) -> None:
        """Starts it. Its user owns its folders already. Raises OSError."""
        self._guard, self._title = guard, " ".join(request.words[:4])
        pipe = subprocess.PIPE
        self._process = start_program(request, stdout=pipe, stderr=pipe, gives_folders=False)

    def wait(self, timeout_s: float, on_line: Callable[[str], None] = lambda _: None) -> ProgramOutput:
        """Returns when it has ended. ``on_line``: gets its lines. To be called once.

        Raises Invalid when it takes too long, or more than it may.
        """
        try:
            with self._process as process:
                stdout, stderr = self._collect(timeout_s, on_line)
                if process.returncode != 0 and (excess := self._guard.held_excess()) is not None:
                    raise Invalid(f"{self._title} was ended: {excess_reason(excess)}")
                return ProgramOutput(process.returncode, stdout, stderr)
        finally:
            self._guard.close()

    def kill(self) -> None:
        self._process.kill()

    def _collect(self, timeout_s: float, on_line: Callable[[str], None]) -> tuple[str, str]:
        try:
            return collect_output(self._process, timeout_s=timeout_s, on_line=on_line, check=self._check)
        except subprocess.TimeoutExpired as error:
            raise Invalid(f"{self._title} took longer than {timeout_s:g} s") from error
        finally:
            self.kill()

    def _check(self, printed_bytes: int) -> None:
        """Raises Invalid for a program that takes more than it may."""
        if (excess := self._guard.find_excess(self._process.pid)) is not None:
            raise Invalid(f"{self._title} was ended: {excess_reason(excess)}")
        if printed_bytes > _MAX_OUTPUT_BYTES:
            raise Invalid(f"{self._title} was ended: it printed more than {_MAX_OUTPUT_BYTES / 2**20:g} MiB")
