"""Checks of the walls that this machine allows around programs, as rows of ``naiad doctor``."""

import os
from collections.abc import Iterator

from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.internet_tools import INTERNET_TOOLS, installed_internet_tools
from naiad.service.walls.kept_network import try_tool
from naiad.service.walls.support import WallSupport, find_wall_support
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
    yield _network_check(support)
    yield from _resource_checks()


def _resource_checks() -> Iterator[Check]:
    cores = (min(os.sched_getaffinity(0)),)
    group = ControlGroup.make(f"naiad-doctor-{os.getpid()}", memory_bytes=_MIB, tasks=1, cpus=cores)
    if group is None:
        found = "programs are measured twice a second; no control group can be made"
        yield Check("walls: memory", CheckState.LOW, found)
    else:
        yield Check("walls: memory", CheckState.OK, "control groups hold programs to their memory and tasks")
    if group is not None and group.has_cores:
        yield Check("walls: cores", CheckState.OK, "control groups hold programs to their cores")
    else:
        yield Check("walls: cores", CheckState.LOW, "programs are pinned to their cores, and could leave them")
    if group is not None:
        group.remove()


def _network_check(support: WallSupport) -> Check:
    """Attaches each tool once: one that is installed need not work."""
    topic = "walls: network"
    if not support.has_network:
        return Check(topic, CheckState.ABSENT, "programs share this machine's network")
    tools = {tool.name: tool.package for tool in INTERNET_TOOLS}
    problems = {name: try_tool(name, has_user_namespace=support.user_id is None) for name in tools}
    found = "; ".join(
        f"{name} {'works' if problem is None else f'fails: {problem}'}" for name, problem in problems.items()
    )
    if None in problems.values():
        return Check(topic, CheckState.OK, f"programs have their own, with the internet ({found})")
    if any(installed_internet_tools()):
        return Check(topic, CheckState.LOW, f"programs have their own, without the internet ({found})")
    hint = f"apt-get install {next(iter(tools.values()))}"
    return Check(
        topic, CheckState.LOW, f"only isolated programs have their own; others share this machine's ({found})", hint
    )
