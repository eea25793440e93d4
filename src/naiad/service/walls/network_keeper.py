"""The process that keeps a network: makes it, attaches the internet to it, and ends with the last agent that uses it.

An agent may be killed at any time, and its program ends with it. This process does not: it waits for a lock that every agent of
the network shares, and that the kernel releases for a dead one. Then it ends the internet's tool, which it has started itself.

It is a fork of the agent that has made it, because a new interpreter would take longer than all the rest.

The tools start before the network is made, because they have to stay in the machine's. The process gives up its capabilities,
because a tool without them may only enter the network of a process that has none.
"""

import errno
import fcntl
import json
import os
import resource
import select
import signal
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from naiad.service.walls import system_calls as linux
from naiad.service.walls.internet_tools import INTERNET_TOOLS, InternetTool, tool_words
from naiad.service.walls.network import bring_loopback_up
from naiad.service.walls.privileges import enter_user_namespace

_POLL_S = 0.01
_MAX_ERROR_BYTES = 2**16
_IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_RESET = (*_IGNORED, signal.SIGPIPE)
"""Signals with their default effect in a tool: older versions of pasta do not start where SIGPIPE is ignored."""
_NOISE = ("to syslog",)
"""Words in lines of a tool's errors that do not say why it failed."""


@dataclass(frozen=True)
class KeeperRequest:
    users_file: str
    """The file whose lock the users of the network share."""
    state_file: str
    """The file that names this process to other agents. It is removed before the network ends."""
    folder: str
    """An empty folder, which is removed by the one that has asked."""
    has_user_namespace: bool
    """Whether the network belongs to a user namespace of its own; a server of root needs none."""
    tools: tuple[int, ...] = ()
    """Indices of ``INTERNET_TOOLS`` that are tried, one after the other; () for a network without the internet."""
    attach_timeout_s: float = 10.0
    """The time that a tool has to attach itself."""


@dataclass
class _WaitingTool:
    """A child that becomes a tool when it is told to, and ends when it cannot be told any more."""

    tool: InternetTool
    ready: str
    pid: int
    start: int
    errors: int
    _has_ended: bool = field(default=False)

    def has_ended(self) -> bool:
        if not self._has_ended:
            self._has_ended = os.waitpid(self.pid, os.WNOHANG)[0] != 0
        return self._has_ended

    def end(self) -> None:
        """Ends the tool by its own process id, which stays its own until its end has been seen."""
        if not self.has_ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self._has_ended = True

    def error_at_end(self) -> str:
        """Ends the tool, which will not say any more that it is ready, and returns why."""
        self.end()
        return self.last_error()

    def last_error(self) -> str:
        text = os.pread(self.errors, _MAX_ERROR_BYTES, 0).decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return next((line for line in reversed(lines) if not any(words in line for words in _NOISE)), "it ended")


def fork_keeper(request: KeeperRequest) -> tuple[int, dict[str, Any]]:
    """Returns the id of the new process and what it says of the network when that is ready: ``tool`` and ``problems``.

    The process belongs to the caller, who waits for its end. Raises OSError.
    """
    told, result = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads: the new process uses nothing of theirs
        pid = os.fork()
    if pid == 0:
        _become_keeper(request, result)
    os.close(result)
    with os.fdopen(told, encoding="utf-8") as file:
        said = file.read()
    values: dict[str, Any] = json.loads(said or "{}")
    if "tool" in values:
        return pid, values
    os.waitpid(pid, 0)
    raise OSError(values.get("errno", errno.EIO), values.get("error", "its process has ended"))


def _become_keeper(request: KeeperRequest, result: int) -> NoReturn:
    """Tells why, where the network cannot be made."""
    try:
        os.setsid()
        _keep(request, result)
    except OSError as error:
        os.write(result, json.dumps({"errno": error.errno, "error": error.strerror}).encode())
    finally:
        os._exit(1)


def _keep(request: KeeperRequest, result: int) -> NoReturn:
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    waiting = [_fork_tool(INTERNET_TOOLS[index], str(index), request) for index in request.tools]
    _close_all_but(result, *(descriptor for each in waiting for descriptor in (each.start, each.errors)))
    users = os.open(request.users_file, os.O_RDWR | os.O_CLOEXEC)
    if request.has_user_namespace:
        enter_user_namespace(linux.CLONE_NEWNET)
    else:
        linux.unshare(linux.CLONE_NEWNET)
    bring_loopback_up()
    linux.drop_all_capabilities()
    attached, problems = _attach(waiting, request.attach_timeout_s)
    os.write(result, json.dumps({"tool": attached and attached.tool.name, "problems": problems}).encode())
    os.close(result)
    fcntl.flock(users, fcntl.LOCK_EX)
    if attached is not None:
        attached.end()
    Path(request.state_file).unlink(missing_ok=True)
    os._exit(0)


def _close_all_but(*kept: int) -> None:
    """Closes what is the agent's, and leaves /dev/null as input and output.

    A process whose files are closed may not fork: libraries, such as Arrow, renew pipes of their own then, and abort.
    """
    first = 3
    for descriptor in sorted(kept):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)


def _attach(waiting: list[_WaitingTool], timeout_s: float) -> tuple[_WaitingTool | None, list[str]]:
    """Returns the first tool that could be attached, and why others could not be."""
    attached, problems = None, []
    for each in waiting:
        if attached is None:
            os.write(each.start, b"1")
            problem = _wait_until_ready(each, timeout_s)
            if problem is None:
                attached = each
            else:
                each.end()
                problems.append(f"{each.tool.name}: {problem.removeprefix(f'{each.tool.name}: ')}")
        os.close(each.start)
    for each in waiting:
        if each is not attached and not each.has_ended():
            each.end()
    return attached, problems


def _wait_until_ready(each: _WaitingTool, timeout_s: float) -> str | None:
    """Returns None when the tool is attached, and else why it is not."""
    deadline = time.monotonic() + timeout_s
    ready = os.open(each.ready, os.O_RDONLY | os.O_NONBLOCK)
    try:
        while time.monotonic() < deadline:
            if select.select([ready], [], [], _POLL_S)[0]:
                return None if os.read(ready, 1) else each.error_at_end()
            if each.has_ended():
                return each.last_error()
        return f"it did not attach within {timeout_s:g} s"
    finally:
        os.close(ready)


def _fork_tool(tool: InternetTool, name: str, request: KeeperRequest) -> _WaitingTool:
    ready, keeper = f"{request.folder}/{name}", os.getpid()
    os.mkfifo(ready, 0o600)
    told, start = os.pipe()
    errors = os.memfd_create("errors")
    if pid := os.fork():
        os.close(told)
        return _WaitingTool(tool, ready, pid, start, errors)
    linux.die_with_parent()
    _close_all_but(told, errors)
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_ERROR_BYTES, _MAX_ERROR_BYTES))
    if not os.read(told, 1):
        os._exit(0)
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)
    try:
        words = tool_words(tool, keeper, ready, has_user_namespace=request.has_user_namespace)
        os.execvp(words[0], words)  # noqa: S606  # reason: no shell is wanted
    except OSError as error:
        os.write(2, f"{error.strerror}\n".encode())
    os._exit(1)
