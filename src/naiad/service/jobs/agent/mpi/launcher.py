"""``python -m … SETTINGS COMMAND``: runs a command as an MPI job over the instances of a training job.

The first instance runs mpirun; the others serve it until it has ended.
"""

import importlib.util
import os
import subprocess
import sys
from collections import deque
from collections.abc import Sequence

from naiad.service.jobs.agent.mpi.mpirun import MpiSettings, mpirun_command
from naiad.service.jobs.agent.mpi.remote_shell import RemoteShell, rank_variables, watch

_LAST_LINES = 200


def run_mpi(settings: MpiSettings, words: Sequence[str]) -> tuple[int, list[str]]:
    """Returns the exit status and the last lines of the output, which has been printed."""
    host = os.environ["SM_CURRENT_HOST"]
    if host != settings.hosts[0]:
        return RemoteShell(host).serve(), []
    connections = [watch(other) for other in settings.hosts[1:]]
    status, lines = _run(mpirun_command(settings, _with_mpi4py(words)))
    for connection in connections:
        connection.send_bytes(b"ended")
    return status, lines


def _with_mpi4py(words: Sequence[str]) -> list[str]:
    """Runs Python through mpi4py, if that is installed, so that an error of one process ends all of them."""
    is_python = words[0] == "python" and importlib.util.find_spec("mpi4py") is not None
    return [words[0], *(("-m", "mpi4py") if is_python else ()), *words[1:]]


def _run(words: Sequence[str]) -> tuple[int, list[str]]:
    print("naiad:", *words, flush=True)  # noqa: T201  # reason: the log of the job
    lines: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(  # noqa: S603  # reason: the user's own program
        list(words), env=rank_variables(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)  # noqa: T201  # reason: the log of the job
            lines.append(line.rstrip("\n"))
    return process.returncode, list(lines)


def main(arguments: Sequence[str]) -> int:
    settings, *words = arguments
    status, _ = run_mpi(MpiSettings.from_json(settings), words)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
