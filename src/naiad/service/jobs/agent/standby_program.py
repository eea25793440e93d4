"""The standby's side: turns its process into the program, so that the program cannot tell it from a new interpreter."""

import contextlib
import importlib
import io
import os
import signal
import sys
from typing import BinaryIO, TextIO, cast

from naiad.service.jobs.agent.python_command import run_python_command
from naiad.service.walls.enter import enter_walls
from naiad.service.walls.launch import exit_without_walls
from naiad.service.walls.launch_request import LaunchRequest

_SEED_OF_OLDER_TORCH = 67280421310721
"""The seed with which every process of an older torch begins; newer versions draw one."""
_CHANNEL = 3
"""The descriptor of the socket to the agent, until the program starts."""
_DEFAULT_SIGNALS = (signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE, signal.SIGHUP)


def redirect_output(output: int, channel: int) -> None:
    """Makes a pipe the output of this process and /dev/null its input, keeps the channel, and closes all other files."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((nothing, 0), (output, 1), (output, 2), (channel, _CHANNEL)):
        os.dup2(old, new)
    os.closerange(_CHANNEL + 1, os.sysconf("SC_OPEN_MAX"))
    sys.stdout = _unbuffered_stream(1, "strict")
    sys.stderr = _unbuffered_stream(2, "backslashreplace")


def become_program(request: LaunchRequest) -> int:
    """Returns the program's exit status, in the process that is the program. The processes around it end in here."""
    os.sched_setaffinity(0, request.cpus or os.sched_getaffinity(0))
    for number in _DEFAULT_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    try:
        enter_walls(request.walls, _CHANNEL)
    except OSError as error:
        exit_without_walls(error)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.cwd)
    _reset_libraries(threads=request.environment.get("OMP_NUM_THREADS", ""))
    return run_python_command(request.words)


def _unbuffered_stream(descriptor: int, errors: str) -> TextIO:
    """Returns a stream like those of an interpreter under PYTHONUNBUFFERED."""
    raw = cast("BinaryIO", io.FileIO(descriptor, "w", closefd=False))
    return io.TextIOWrapper(raw, encoding="utf-8", errors=errors, write_through=True)


def _reset_libraries(*, threads: str) -> None:
    """Does what loaded libraries do at the start of a new interpreter: draws random seeds, and sets the number of threads."""
    torch = sys.modules.get("torch")
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if torch is not None and torch.initial_seed() != _SEED_OF_OLDER_TORCH:
        torch.seed()
    if threads.isdigit() and int(threads) > 0:
        with contextlib.suppress(ImportError):  # it comes with the trainer, not with the service
            importlib.import_module("threadpoolctl").threadpool_limits(int(threads))
        if torch is not None:
            torch.set_num_threads(int(threads))
