"""Checks of the walls that this machine allows around programs, as rows of ``naiad doctor``."""

import os
from collections.abc import Iterator

from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.internet import has_internet_program
from naiad.service.walls.support import find_wall_support
from naiad.trainer.doctor import Check, CheckState

_MIB = 2**20


def run_wall_checks() -> tuple[Check, ...]:
    """Tries each wall. Changes nothing that lasts."""
    return tuple(_checks())


def _checks() -> Iterator[Check]:
    support = find_wall_support()
    if not support.has_namespaces:
        yield Check("walls", CheckState.ABSENT, support.gaps[-1], "allow unprivileged user namespaces")
        return
    user = "another user than root" if support.user_id is not None else "the server's user"
    yield Check("walls", CheckState.OK, f"programs see an allow-list of files, and run as {user}")
    for gap in support.gaps:
        yield Check("walls", CheckState.LOW, gap)
    if not support.has_network:
        yield Check("walls: network", CheckState.ABSENT, "programs share this machine's network")
    elif has_internet_program():
        yield Check("walls: network", CheckState.OK, "programs have their own, with the internet")
    else:
        found = "isolated programs have their own; with the internet they share this machine's"
        yield Check("walls: network", CheckState.LOW, found, "apt-get install passt")
    group = ControlGroup.make(f"naiad-doctor-{os.getpid()}", memory_bytes=_MIB, tasks=1)
    if group is None:
        yield Check(
            "walls: memory", CheckState.LOW, "programs are measured twice a second; no control group can be made"
        )
    else:
        group.remove()
        yield Check("walls: memory", CheckState.OK, "control groups hold programs to their memory and tasks")
