"""A network that a process of its own keeps for the agents that use it: those of one job on one machine, or a single one.

The keeper makes it, attaches the internet where that is wanted, and ends both when the last agent has left or was killed.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from naiad.service.executors.process import Process
from naiad.service.walls.internet_tools import INTERNET_TOOLS, TUN, InternetTool, installed_internet_tools
from naiad.service.walls.network_keeper import KeeperRequest, fork_keeper

_STATE_FILE, _USERS_FILE, _LOCK_FILE = "network.json", "network.users", "network.lock"


@dataclass
class KeptNetwork:
    namespaces: tuple[str, ...]
    """The files of its namespaces, the user's first."""
    tool: InternetTool | None
    """The tool that is the way into the internet; None without one."""
    problems: tuple[str, ...]
    """Why tools could not be attached."""
    _users: int | None
    """An open file, whose lock says that this agent uses the network; None when it has left."""
    _keeper: int | None = field(default=None)
    """The id of the keeper, if this process has started it."""

    def close(self) -> None:
        """Leaves the network. Its last user, if it has started the keeper, waits for the network's end."""
        if self._users is None:
            return
        is_last = _try_lock(self._users)
        os.close(self._users)
        self._users = None
        if self._keeper is not None and is_last:
            os.waitpid(self._keeper, 0)


def keep_network(
    folder: Path, tools: Sequence[InternetTool], *, has_user_namespace: bool, attach_timeout_s: float = 10.0
) -> KeptNetwork:
    """Returns the network of ``folder``, which the first agent has made. Raises OSError.

    ``tools`` are tried for the internet; () leaves it out. ``has_user_namespace``: for all but a server of root.
    """
    with (folder / _LOCK_FILE).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        users = os.open(folder / _USERS_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(users, fcntl.LOCK_SH)  # waits for a keeper that is about to end
            state, keeper = _read_state(folder), None
            if state is None:
                indices = tuple(map(INTERNET_TOOLS.index, tools))
                files = (str(folder / _USERS_FILE), str(folder / _STATE_FILE))
                keeper, state = _start_keeper(KeeperRequest(*files, "", has_user_namespace, indices, attach_timeout_s))
        except BaseException:
            os.close(users)
            raise
    names = ("user", "net") if has_user_namespace else ("net",)
    tool = next((each for each in INTERNET_TOOLS if each.name == state["tool"]), None)
    paths = tuple(f"/proc/{state['pid']}/ns/{name}" for name in names)
    return KeptNetwork(paths, tool, tuple(state["problems"]), users, keeper)


def _read_state(folder: Path) -> dict[str, Any] | None:
    """Returns what the living keeper of the folder has; None without one."""
    try:
        state: dict[str, Any] = json.loads((folder / _STATE_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return state if Process(state["pid"], state["started"], state["boot"]).is_alive else None


def try_tool(name: str, *, has_user_namespace: bool) -> str | None:
    """Attaches a tool to a network once. Returns why it cannot be used here; None when it works."""
    tools = [tool for tool in installed_internet_tools() if tool.name == name]
    if not tools:
        return "not installed" if shutil.which(name) is None else f"{TUN} cannot be opened"
    with tempfile.TemporaryDirectory() as folder:
        try:
            network = keep_network(Path(folder), tools, has_user_namespace=has_user_namespace)
        except OSError as error:
            return error.strerror or str(error)
        network.close()
    return None if network.tool is not None else network.problems[-1].removeprefix(f"{name}: ")


def _start_keeper(request: KeeperRequest) -> tuple[int, dict[str, Any]]:
    """Returns when the network is ready. Raises OSError."""
    with tempfile.TemporaryDirectory() as folder:
        pid, said = fork_keeper(replace(request, folder=folder))
    keeper = Process.find(pid)
    if keeper is None:
        os.waitpid(pid, 0)
        raise ProcessLookupError("/proc does not show the process of this network")
    state = {"pid": pid, "started": keeper.start_ticks, "boot": keeper.boot_id, **said}
    Path(request.state_file).write_text(json.dumps(state), encoding="utf-8")
    return pid, state


def _try_lock(users: int) -> bool:
    """Whether nobody else uses the network."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
