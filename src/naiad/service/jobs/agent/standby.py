"""A standby: a process with its libraries loaded that waits to become the program of an instance.

An agent that comes from a warm interpreter forks its standby before it does anything else, so that the standby has one thread and
holds nothing of the agent's. When the standby gets a launch request, it enters the sandbox and runs the script; without one it
ends. The processes, each the parent of the next: agent, standby, init of the sandbox, program.
"""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from naiad.service.jobs.agent.python_command import is_python_command, shadowed_module
from naiad.service.jobs.agent.standby_program import redirect_output
from naiad.service.walls.launch_request import LaunchRequest, read_launch_request
from naiad.service.walls.system_calls import die_with_parent

_LIBRARY_PREFIXES = (
    "LD_",
    "PYTHON",
    "TORCH",
    "PYTORCH",
    "OPENBLAS_",
    "MKL_",
    "KMP_",
    "GOMP_",
    "OMP_",
    "DNNL_",
    "ONEDNN_",
    "MALLOC_",
)
"""Beginnings of variables that libraries read only when they are loaded."""
_EXCEPTIONS = ("OMP_NUM_THREADS",)
"""Variables with such a beginning that the program's process applies itself."""


@dataclass
class Standby:
    """The agent's side of its standby. After ``launch`` it is a ProgramProcess."""

    pid: int
    stdout_fd: int
    _connection: socket.socket
    _status: int | None = field(default=None)
    _is_launched: bool = False

    def launch(self, request: LaunchRequest) -> socket.socket:
        """Returns the socket at whose other end the program's own network is set up. The caller closes it."""
        self._is_launched = True
        self._connection.sendall(request.to_bytes())
        return self._connection

    def dismiss(self) -> None:
        """Ends a standby that has not been launched. Does nothing after ``launch``."""
        if not self._is_launched and self._connection.fileno() >= 0:
            self._connection.close()
            self.wait()
            self.close()

    def poll(self) -> int | None:
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def wait(self) -> int:
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._status

    def close(self) -> None:
        os.close(self.stdout_fd)


def can_use_standby(words: Sequence[str], request_variables: Mapping[str, str], folders: Sequence[Path]) -> bool:
    """Whether a program behaves in a standby as in a new interpreter.

    ``request_variables`` are those of the request. ``folders`` hold the program's own modules, as the agent sees them.
    """
    if any(name.startswith(_LIBRARY_PREFIXES) and name not in _EXCEPTIONS for name in request_variables):
        return False
    return is_python_command(words) and shadowed_module(folders) is None


def fork_standby() -> Standby | LaunchRequest:
    """Forks a standby. Returns the Standby in the agent and, later, the launch request in the standby's process.

    A standby that is dismissed, or whose agent dies, ends in here.
    """
    agent_connection, standby_connection = socket.socketpair()
    output, standby_output = os.pipe()
    agent_pid = os.getpid()
    pid = os.fork()
    if pid:
        standby_connection.close()
        os.close(standby_output)
        return Standby(pid, output, agent_connection)
    die_with_parent()
    if os.getppid() != agent_pid:
        os._exit(0)
    os.setsid()
    agent_connection.close()
    os.close(output)
    with standby_connection.makefile("rb") as file:
        request = read_launch_request(file)
    if request is None:
        os._exit(0)
    redirect_output(standby_output, standby_connection.detach())
    return request
