"""Instances as processes of this machine: each an agent in a session of its own, which outlives the server."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from naiad.service.domain.errors import ServiceError
from naiad.service.domain.status import Phase
from naiad.service.executors.files import AGENT, ML, TMP, WORK, read_report, room_for, write_spec
from naiad.service.executors.port import Instance, InstanceReport, InstanceSpec
from naiad.service.executors.process import Process
from naiad.service.executors.warm import WarmInterpreter

_GONE_WITHIN_S = 10.0
_POLL_S = 0.01


@dataclass
class LocalExecutor:
    warm: WarmInterpreter | None = None
    """Where agents come from when it is ready."""
    _children: dict[int, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    """Agents that this server started, kept only to take their exit statuses."""

    def start(self, spec: InstanceSpec) -> None:
        folder = spec.instance.folder
        self._reap()
        if _agent_of(folder) is not None:
            return
        try:
            with room_for(f"the files of {spec.instance.job_name}"):
                for part in (folder, folder / ML, folder / TMP, folder / WORK):
                    part.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_spec(spec)
                is_running = self._begin(folder)
        except OSError as error:
            raise ServiceError(f"the agent of {spec.instance.job_name} cannot be started: {error}") from error
        _wait_for(lambda: _agent_of(folder) is not None or not is_running())

    def report(self, instance: Instance) -> InstanceReport | None:
        self._reap()
        agent = _agent_of(instance.folder)
        if agent is None:
            return None
        return read_report(instance.folder, alive=agent.is_alive) or _silent(alive=agent.is_alive)

    def stop(self, instance: Instance) -> None:
        agent = _agent_of(instance.folder)
        if agent is not None:
            agent.signal(signal.SIGTERM)

    def kill(self, instance: Instance) -> None:
        """The agent first, so that it starts nothing more; its program dies with it, and is ended here where it does not."""
        for process in (_agent_of(instance.folder), _program_of(instance.folder)):
            if process is None:
                continue
            process.signal(signal.SIGKILL)
            _wait_for(partial(self._is_gone, process))

    def _begin(self, folder: Path) -> Callable[[], bool]:
        """Returns whether the agent runs. Raises OSError."""
        if self.warm is not None and (pid := self.warm.agent(folder)) is not None:
            agent = Process.of(pid)
            return lambda: agent is not None and agent.is_alive
        with (folder / "agent.log").open("ab") as log:
            child = subprocess.Popen(  # noqa: S603  # reason: our own program, no shell
                [sys.executable, "-m", "naiad.service.jobs.agent", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._children[child.pid] = child
        return lambda: child.poll() is None

    def _is_gone(self, process: Process) -> bool:
        self._reap()
        return not process.is_alive

    def _reap(self) -> None:
        self._children = {pid: child for pid, child in self._children.items() if child.poll() is None}


def _agent_of(folder: Path) -> Process | None:
    return _read(folder / AGENT)


def _program_of(folder: Path) -> Process | None:
    return _read(folder / "program.json")


def _read(path: Path) -> Process | None:
    try:
        return Process(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def _silent(*, alive: bool) -> InstanceReport:
    return InstanceReport(Phase.STARTING, alive)


def _wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _GONE_WITHIN_S
    while not done() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
