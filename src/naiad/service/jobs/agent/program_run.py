"""The run of an instance's program: its requirements are installed, and it runs in the standby or as a new process."""

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.job_network import JobNetwork
from naiad.service.jobs.agent.program_monitor import EndCause, ProgramEnd, ProgramLimits, run_to_end
from naiad.service.jobs.agent.program_process import NewProcess, ProgramProcess
from naiad.service.jobs.agent.programs import ProgramCommand
from naiad.service.jobs.agent.resource_limits import open_program_guard
from naiad.service.jobs.agent.standby import Standby, can_use_standby
from naiad.service.jobs.agent.stop_timeout import stop_timeout_s
from naiad.service.walls.launch_request import LaunchRequest
from naiad.service.walls.network import OwnNetwork
from naiad.service.walls.resource_guard import NO_CONTROL_GROUP, UNGUARDED, ResourceGuard
from naiad.service.walls.sandbox import Sandbox
from naiad.service.walls.user_files import give_to_program


@dataclass
class ProgramRun:
    spec: InstanceSpec
    sandbox: Sandbox
    network: JobNetwork
    remaining_s: Callable[[], float | None]
    """Seconds left of the job's time; None without a limit."""
    is_stop_requested: Callable[[], bool]
    on_data: Callable[[bytes], None]
    """Gets the output."""
    log_message: Callable[[str], None]
    _guard: ResourceGuard = UNGUARDED

    def run(self, command: ProgramCommand, variables: Mapping[str, str], standby: Standby | None) -> ProgramEnd:
        """Returns the end of the program, or of the installation before it where that has failed.

        pip needs the machine's network, and is behind the other walls.
        """
        self._guard = open_program_guard(self.spec)
        if self._guard.group is None:
            self.log_message(NO_CONTROL_GROUP)
        try:
            if command.install is not None:
                if standby is not None:
                    standby.dismiss()
                pip_variables = {**variables, **command.install.environment}
                end = self._run_to_end(NewProcess(self._request(command.install.words, pip_variables)))
                if end.status != 0 or end.cause is not EndCause.BY_ITSELF:
                    return end
            return self._run_to_end(self._start(command, variables, standby))
        finally:
            self.network.close()
            self._guard.close()

    def _start(self, command: ProgramCommand, variables: Mapping[str, str], standby: Standby | None) -> ProgramProcess:
        """Starts the program in the standby where that is possible, because its libraries are loaded; else as a new process."""
        request = self._request(command.words, variables, self.network.own)
        own_modules = [self.sandbox.ml / "code"]
        environment = self.spec.request.get("Environment", {})
        if standby is not None and command.install is None and can_use_standby(command.words, environment, own_modules):
            give_to_program(request.walls)
            channel: socket.socket = standby.launch(request)
            program: ProgramProcess = standby
        else:
            if standby is not None:
                standby.dismiss()
            channel, program = _start_new(request)
        with channel:
            self.network.set_up(channel)
        return program

    def _request(
        self, words: Sequence[str], variables: Mapping[str, str], network: OwnNetwork | None = None
    ) -> LaunchRequest:
        return self.sandbox.request(words, variables, cpus=self.spec.cpus, group=self._guard.group, network=network)

    def _run_to_end(self, program: ProgramProcess) -> ProgramEnd:
        spec = self.spec
        limits = ProgramLimits(
            max_runtime_s=self.remaining_s(),
            stop_timeout_s=stop_timeout_s(spec.request.get("Environment", {})),
            guard=self._guard,
        )
        return run_to_end(
            program,
            folder=spec.instance.folder,
            limits=limits,
            on_data=self.on_data,
            is_stop_requested=self.is_stop_requested,
        )


def _start_new(request: LaunchRequest) -> tuple[socket.socket, ProgramProcess]:
    """Returns the new process and the socket at whose other end its own network is set up."""
    channel, inner = socket.socketpair()
    with inner:
        try:
            return channel, NewProcess(request, inner.fileno())
        except OSError:
            channel.close()
            raise
