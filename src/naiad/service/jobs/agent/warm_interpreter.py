"""An interpreter with its libraries loaded, from which agents are forked.

It reads the folders of instances from the socket at its standard input, one a line, and answers each with the agent's process id.
It ends when the socket is closed; its agents live on. It must have one thread: a fork of several threads could hang on a lock.
"""

import gc
import importlib
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from naiad.service.executors.instance_files import AGENT_LOG_FILE, take_environment
from naiad.service.jobs.agent.programs import NaiadPrograms
from naiad.service.jobs.agent.run import run_agent
from naiad.service.jobs.agent.standby import fork_standby
from naiad.service.jobs.agent.standby_program import become_program
from naiad.service.walls.launch_request import LaunchRequest
from naiad.service.walls.support import find_wall_support

_READY = "ready"


def run_warm_interpreter(libraries: Sequence[str], programs: NaiadPrograms) -> int:
    """Returns the exit status of the process: of the interpreter itself, of an agent, or of a program."""
    for name in libraries:
        importlib.import_module(name)
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        sys.stderr.write(f"no warm interpreter: {', '.join(libraries)} started {threads - 1} threads\n")
        return 1
    find_wall_support()  # found once, for all agents
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    folder = _fork_agents(socket.socket(fileno=os.dup(0)))
    if folder is None:
        return 0
    standby = fork_standby()
    if isinstance(standby, LaunchRequest):
        return become_program(standby)
    os.environ.clear()
    os.environ.update(take_environment(folder))
    run_agent(folder, programs, standby)
    return 0


def _fork_agents(connection: socket.socket) -> Path | None:
    """Forks an agent for each request. Returns its folder in the agent, and None in the interpreter when the server is gone."""
    with connection, connection.makefile("rw", encoding="utf-8") as lines:
        print(_READY, file=lines, flush=True)
        for line in lines:
            folder = line.rstrip("\n")
            pid = os.fork()
            if pid == 0:
                _detach(folder)
                return Path(folder)
            print(pid, file=lines, flush=True)
    return None


def _detach(folder: str) -> None:
    """Gives a new agent its own session, log and input, like those of an agent that is started cold."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(f"{folder}/{AGENT_LOG_FILE}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for old, new in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(old, new)
    os.close(nothing)
    os.close(log)
