"""Instances as processes of this machine: each agent has a session of its own and outlives the server."""

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from naiad.service.domain.errors import ServiceError
from naiad.service.domain.status import Phase
from naiad.service.executors.instance_files import (
    AGENT_FILE,
    AGENT_LOG_FILE,
    ML_FOLDER,
    PROGRAM_FILE,
    TMP_FOLDER,
    WORK_FOLDER,
    read_process,
    read_report,
    translate_disk_full,
    write_spec,
)
from naiad.service.executors.port import Instance, InstanceReport, InstanceSpec
from naiad.service.executors.process import Process
from naiad.service.executors.warm_interpreter import WarmInterpreter

_WAIT_TIMEOUT_S = 10.0
_POLL_S = 0.01


@dataclass
class LocalExecutor:
    agent_command: tuple[str, ...]
    """The command of an agent; the instance's folder is its last argument."""
    warm: WarmInterpreter | None = None
    """The interpreter from which agents are forked when it is ready."""
    _children: dict[int, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    """Agents that this server started, kept only to collect their exit statuses."""

    def start(self, spec: InstanceSpec) -> None:
        folder = spec.instance.folder
        self._reap()
        if _agent(folder) is not None:
            return
        try:
            with translate_disk_full(f"the files of {spec.instance.job_name}"):
                for path in (folder, folder / ML_FOLDER, folder / TMP_FOLDER, folder / WORK_FOLDER):
                    path.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_spec(spec)
                is_running = self._start_agent(folder)
        except OSError as error:
            raise ServiceError(f"the agent of {spec.instance.job_name} cannot be started: {error}") from error
        _wait_until(lambda: _agent(folder) is not None or not is_running())

    def report(self, instance: Instance) -> InstanceReport | None:
        self._reap()
        agent = _agent(instance.folder)
        if agent is None:
            return None
        is_alive = agent.is_alive
        return read_report(instance.folder, alive=is_alive) or InstanceReport(Phase.STARTING, alive=is_alive)

    def stop(self, instance: Instance) -> None:
        agent = _agent(instance.folder)
        if agent is not None:
            agent.signal(signal.SIGTERM)

    def kill(self, instance: Instance) -> None:
        """Kills the agent first, so that it starts nothing more, and then its program if that has not died with the agent."""
        for file in (AGENT_FILE, PROGRAM_FILE):
            process = read_process(instance.folder / file)
            if process is not None:
                process.signal(signal.SIGKILL)
                _wait_until(partial(self._has_ended, process))

    def _start_agent(self, folder: Path) -> Callable[[], bool]:
        """Returns a function that says whether the agent still runs. Raises OSError."""
        if self.warm is not None and (pid := self.warm.fork_agent(folder)) is not None:
            agent = Process.find(pid)
            return lambda: agent is not None and agent.is_alive
        with (folder / AGENT_LOG_FILE).open("ab") as log:
            child = subprocess.Popen(  # noqa: S603  # reason: our own program, no shell
                [*self.agent_command, str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._children[child.pid] = child
        return lambda: child.poll() is None

    def _has_ended(self, process: Process) -> bool:
        self._reap()
        return not process.is_alive

    def _reap(self) -> None:
        self._children = {pid: child for pid, child in self._children.items() if child.poll() is None}


def _agent(folder: Path) -> Process | None:
    return read_process(folder / AGENT_FILE)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_TIMEOUT_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
