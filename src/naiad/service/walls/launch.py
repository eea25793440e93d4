"""The process that becomes a program: ``python -I -S -c … DESCRIPTOR SOURCE CHANNEL`` reads the request and executes it.

It loads nothing but the standard library and this room, so that it starts in milliseconds.
"""

import os
import signal
from typing import NoReturn

from naiad.service.walls.enter import enter_walls
from naiad.service.walls.launch_request import LaunchRequest, read_launch_request
from naiad.service.walls.system_calls import die_with_parent

_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def main(descriptor: int, channel: int | None) -> NoReturn:
    parent = os.getppid()
    die_with_parent()
    with open(descriptor, "rb") as file:
        request = read_launch_request(file)
    if request is None or os.getppid() != parent:
        os._exit(1)
    os.sched_setaffinity(0, request.cpus or os.sched_getaffinity(0))
    try:
        enter_walls(request.walls, channel)
        os.chdir(request.cwd)
    except OSError as error:
        exit_without_walls(error)
    _execute(request)


def _execute(request: LaunchRequest) -> NoReturn:
    for number in _IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(request.words[0], request.words, dict(request.environment))  # noqa: S606  # reason: no shell is wanted
    except OSError as error:
        exit_with_message(f"{request.words[0]}: {error.strerror}", 127 if isinstance(error, FileNotFoundError) else 126)


def exit_without_walls(error: OSError) -> NoReturn:
    exit_with_message(f"no sandbox: {error.strerror or error}{f': {error.filename}' if error.filename else ''}", 1)


def exit_with_message(message: str, status: int) -> NoReturn:
    os.write(2, os.fsencode(f"naiad: {message}\n"))
    os._exit(status)
