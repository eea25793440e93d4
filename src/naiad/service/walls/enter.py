"""Enters the walls: makes this process the waiting parent of a program behind them, and returns in the program's process.

The processes, each the parent of the next: the one that enters, init of the program's process namespace, the program. Init waits
inside the walls; the outermost waits outside, and is what the agent or the server follows and kills. When one of them ends, so
does what is below it.
"""

import os
import resource
import select
import signal
from pathlib import Path
from typing import NoReturn

from naiad.service.walls import system_calls as linux
from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.launch_request import Walls
from naiad.service.walls.network import set_up_network
from naiad.service.walls.new_root import enter_new_root
from naiad.service.walls.privileges import become_user, enter_user_namespace, give_up_privileges

_NAMESPACES = linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
_RELAYED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""They reach the program itself, since it is in the same process group. Those that come before there is a program are kept."""


def enter_walls(walls: Walls, channel: int | None = None) -> None:
    """Returns in the program's process. Raises OSError there or in this one. The process must have one thread.

    ``channel`` is a socket to the agent, which sets up the program's own network; it is closed.
    """
    if walls.control_group:
        ControlGroup(tuple(map(Path, walls.control_group))).join()
    if channel is not None and walls.network is None:
        os.close(channel)
        channel = None
    if walls.view is None:
        _limit(walls)
        give_up_privileges()
        linux.die_with_parent()
        return
    _enter_namespaces(walls)
    linux.die_with_parent()  # once more: new credentials have cleared it
    signal.pthread_sigmask(signal.SIG_BLOCK, _RELAYED_SIGNALS)  # init would never see them: the kernel spares it
    watched, held = os.pipe()
    if init := os.fork():
        os.close(watched)
        if channel is not None:
            os.close(channel)
        for number in _pending_signals():  # it came before there was an init
            os._exit(128 + number)
        _exit_like(init)
    os.close(held)
    if walls.network is not None:
        set_up_network(walls.network, channel)
    _build_walls(walls)
    linux.die_with_parent()
    if select.select([watched], [], [], 0)[0]:  # the parent has died while nothing told us
        os._exit(1)
    os.close(watched)
    _fork_program()


def _fork_program() -> None:
    """Returns in the program's process, once it has each signal that its parent got before there was a program."""
    waiting, held = os.pipe()
    if program := os.fork():
        os.close(waiting)
        for number in _pending_signals():
            os.kill(program, number)
        os.close(held)
        _exit_like(program)
    os.close(held)
    os.read(waiting, 1)
    os.close(waiting)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _RELAYED_SIGNALS)


def _pending_signals() -> list[signal.Signals]:
    pending = signal.sigpending()
    return [number for number in _RELAYED_SIGNALS if number in pending]


def _enter_namespaces(walls: Walls) -> None:
    """Makes the first namespaces, and enters those that the instances of a job share."""
    shared = walls.network.namespaces if walls.network is not None else ()
    flags = _NAMESPACES | (linux.CLONE_NEWNET if walls.network is not None and not shared else 0)
    for file in shared:
        linux.set_namespace(file)
    if walls.user_id is None and not shared:
        enter_user_namespace(flags)
    else:
        linux.unshare(flags)


def _build_walls(walls: Walls) -> None:
    assert walls.view is not None
    linux.set_host_name(walls.host.encode())
    enter_new_root(walls.view, walls.base, shm_bytes=walls.shm_bytes)
    if walls.user_id is not None:
        become_user(walls.user_id, [bind.target for bind in walls.view.binds if bind.is_device])
    enter_user_namespace(linux.CLONE_NEWNS)
    _limit(walls)
    give_up_privileges()


def _limit(walls: Walls) -> None:
    """Sets the limits that need no control group. In a user namespace of its own, only the program's own tasks count."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if walls.max_tasks and walls.view is not None:
        resource.setrlimit(resource.RLIMIT_NPROC, (walls.max_tasks, walls.max_tasks))


def _exit_like(child: int) -> NoReturn:
    """Waits for a child and exits with its status: like a shell, with 128 and the signal's number when a signal ended it."""
    for number in _RELAYED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    pid, status = os.wait()
    while pid != child:
        pid, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)
