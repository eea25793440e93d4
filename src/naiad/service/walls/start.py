"""Starts a program behind its walls as a new process. Everything that runs users' code starts here, or in a standby."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import naiad
from naiad.service.walls.launch_request import LaunchRequest
from naiad.service.walls.user_files import give_to_program

_LAUNCH = """
import sys
descriptor, source, channel = sys.argv[1:]
sys.path.insert(0, source)
from naiad.service.walls.launch import main
main(int(descriptor), int(channel) if channel else None)
"""
_SOURCE = str(Path(naiad.__file__).parents[1])


def start_program(
    request: LaunchRequest,
    *,
    stdout: int,
    stderr: int = subprocess.STDOUT,
    pass_fds: Sequence[int] = (),
    channel: int | None = None,
    gives_folders: bool = True,
) -> "subprocess.Popen[bytes]":
    """Returns the process that waits for the program and ends with its status. It has a session of its own.

    It ends when the thread that has called this ends. ``pass_fds`` are open in the program, too.
    ``channel``: a socket whose other end sets up the program's own network.
    ``gives_folders``: whether the program's user becomes the owner of its folders here, which takes longer the more files they
    have; a caller on an event loop has done it before, in a thread. Raises OSError.
    """
    if gives_folders:
        give_to_program(request.walls)
    descriptor = os.memfd_create("launch")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(request.to_bytes())
        os.lseek(descriptor, 0, os.SEEK_SET)
        return subprocess.Popen(  # noqa: S603  # reason: our own program, which becomes the user's behind walls
            [sys.executable, "-I", "-S", "-c", _LAUNCH, str(descriptor), _SOURCE, str(channel or "")],
            env={"PATH": os.environ.get("PATH", os.defpath)},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            pass_fds=(descriptor, *pass_fds, *(() if channel is None else (channel,))),
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
