"""``python -m naiad.service.jobs.agent.warm MODULE…``: an interpreter with its libraries loaded, from which agents are forked.

Reads folders from its standard input's socket, a line each, and answers each with the agent's process id. It ends when the socket
is closed; its agents stay. It must have one thread, or what it forks could hang on a lock that nobody is there to open.
"""

import gc
import importlib
import os
import signal
import socket
import sys
from pathlib import Path

from naiad.service.executors.files import take_environment
from naiad.service.jobs.agent.agent import run_agent
from naiad.service.jobs.agent.standby import Order, become_program, stand_by

READY = "ready"


def main(modules: list[str]) -> int:
    for name in modules:
        importlib.import_module(name)
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        sys.stderr.write(f"no warm interpreter: {', '.join(modules)} started {threads - 1} threads\n")
        return 1
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    folder = _next_folder(socket.socket(fileno=os.dup(0)))
    if folder is None:
        return 0
    standby = stand_by()
    if isinstance(standby, Order):
        return become_program(standby)
    os.environ.clear()
    os.environ.update(take_environment(folder))
    run_agent(folder, standby)
    return 0


def _next_folder(orders: socket.socket) -> Path | None:
    """In a new child: the folder of its agent. In this process: None, when the server has gone."""
    with orders, orders.makefile("rw", encoding="utf-8") as lines:
        print(READY, file=lines, flush=True)
        for line in lines:
            folder = line.rstrip("\n")
            pid = os.fork()
            if pid == 0:
                _leave(folder)
                return Path(folder)
            print(pid, file=lines, flush=True)
    return None


def _leave(folder: str) -> None:
    """The child: a session, a log and an input of its own, as an agent has that was started by itself."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(f"{folder}/agent.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for old, new in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(old, new)
    os.close(nothing)
    os.close(log)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
