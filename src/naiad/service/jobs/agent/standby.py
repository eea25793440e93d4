"""A process with its libraries loaded that waits to become the program of an instance.

An agent that came from a warm interpreter forks it before it does anything else, so that it has one thread and holds nothing of
the agent's. With its order it enters the sandbox and runs the script; without one it ends.
The processes, each the parent of the next: agent, standby, init of the sandbox, program.
"""

import contextlib
import importlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from naiad.service.jobs.agent.script import is_script, run_script, shadowed
from naiad.service.walls.namespaces import die_with_parent, enter_namespaces

_LENGTH_BYTES = 8
_READ_AT_LOAD = (
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
_SEED_OF_OLDER_TORCH = 67280421310721
"""With which each process begins there; newer ones draw it."""
_READ_LATER = ("OMP_NUM_THREADS",)
_RESET = (signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE, signal.SIGHUP)


@dataclass(frozen=True)
class Order:
    words: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: str
    cpus: tuple[int, ...]
    mounts: tuple[str, ...]
    """The command that makes the sandbox's mounts; empty for no sandbox."""


@dataclass
class Standby:
    """The agent's side of it; from ``begin`` on it is a process with an output, an end and a status, as Popen's are."""

    pid: int
    stdout_fd: int
    _orders: socket.socket
    _status: int | None = field(default=None)

    def begin(self, order: Order) -> None:
        text = json.dumps(asdict(order)).encode()
        with self._orders as orders:
            orders.sendall(len(text).to_bytes(_LENGTH_BYTES) + text)

    def dismiss(self) -> None:
        """Nothing is to be run by it. Does nothing after ``begin``."""
        if self._orders.fileno() >= 0:
            self._orders.close()
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


def can_stand_in(words: Sequence[str], asked: Mapping[str, str], folders: Sequence[Path]) -> bool:
    """Whether it would be the same as in a new interpreter.

    asked: the variables of the request. folders: where the program's own modules are, as the agent sees them.
    """
    if any(name.startswith(_READ_AT_LOAD) and name not in _READ_LATER for name in asked):
        return False
    return is_script(words) and shadowed(folders) is None


def stand_by() -> "Standby | Order":
    """Forks. In the agent: its standby. In the standby, later: its order, for ``become_program``; it may also end in here."""
    mine, its = socket.socketpair()
    output, its_output = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        its.close()
        os.close(its_output)
        return Standby(pid, output, mine)
    die_with_parent()
    if os.getppid() != parent:
        os._exit(0)
    os.setsid()
    mine.close()
    os.close(output)
    order = _received(its)
    if order is None:
        os._exit(0)
    its.close()
    _take_over(its_output)
    return order


def become_program(order: Order) -> int:
    """The program's exit status, in the process that is the program; the processes around it end in here."""
    os.sched_setaffinity(0, order.cpus or os.sched_getaffinity(0))
    if order.mounts:
        _enter_sandbox(order)
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(order.environment)
    os.chdir(order.cwd)
    _as_if_new(threads=order.environment.get("OMP_NUM_THREADS", ""))
    return run_script(order.words)


def _received(orders: socket.socket) -> Order | None:
    with orders.makefile("rb") as file:
        length = file.read(_LENGTH_BYTES)
        text = file.read(int.from_bytes(length)) if len(length) == _LENGTH_BYTES else b""
    if not text:
        return None
    given = json.loads(text)
    return Order(
        tuple(given["words"]), given["environment"], given["cwd"], tuple(given["cpus"]), tuple(given["mounts"])
    )


def _take_over(output: int) -> None:
    """Output and input of the program; whatever else was open is closed."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(old, new)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    sys.stdout = _stream(1, "strict")
    sys.stderr = _stream(2, "backslashreplace")


def _stream(descriptor: int, errors: str) -> TextIO:
    """Unbuffered, as under PYTHONUNBUFFERED."""
    raw = cast("BinaryIO", io.FileIO(descriptor, "w", closefd=False))
    return io.TextIOWrapper(raw, encoding="utf-8", errors=errors, write_through=True)


def _enter_sandbox(order: Order) -> None:
    """Returns in the program. Its parents wait for it, and give its status on."""
    try:
        enter_namespaces()
    except OSError as error:
        _give_up(f"naiad: no sandbox: {error}")
    die_with_parent()  # again: other credentials may have cleared it
    if inner := os.fork():
        _end_with(inner)
    die_with_parent()
    made = subprocess.run(order.mounts, capture_output=True, text=True, check=False)  # noqa: S603  # reason: our own script
    if made.returncode != 0:
        _give_up(f"naiad: no sandbox: {made.stderr.strip()}")
    if program := os.fork():
        _end_with(program)


def _end_with(child: int) -> None:
    """As the shell does: 128 and the signal's number, for a child that was ended by one."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    pid, status = os.wait()
    while pid != child:
        pid, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _give_up(message: str) -> None:
    os.write(2, f"{message}\n".encode())
    os._exit(1)


def _as_if_new(*, threads: str) -> None:
    """What a new interpreter would do at its start and the loaded libraries have done long ago."""
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
