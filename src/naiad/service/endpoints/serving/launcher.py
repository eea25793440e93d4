"""Starts a replica: a folder of its own, a socket pair, and a worker within the walls."""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from naiad.service.contract.log_writer import LogWriter
from naiad.service.domain.errors import ServiceError
from naiad.service.endpoints.serving.heartbeat import Pulse
from naiad.service.endpoints.serving.log_streams import prune
from naiad.service.endpoints.serving.model_preparer import Prepared, variables_of
from naiad.service.endpoints.serving.replica import Owner, Replica
from naiad.service.walls.sandbox import Sandbox, make_sandbox

_WORKER = "naiad.service.endpoints.worker"
_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")
"""The server has nobody to give a replica to when it starts again, so it takes them along, even when it is killed."""
_ABOVE_SHELLS = 20
"""A shell uses the descriptors below 10 itself."""
_BUFFER_BYTES = 2**20


@dataclass(frozen=True)
class Launcher:
    """Of one variant of one deployment."""

    prepared: Prepared
    state_folder: Path
    logs: Path
    """The folder of the variant's log streams."""
    prefix: str
    """Of replicas' names, so that those of two deployments differ."""
    start_timeout_s: float

    async def __call__(self, owner: Owner, number: int) -> Replica:
        """For the loop's thread, since a process dies with the thread that made it. Raises ServiceError, OSError."""
        name = f"{self.prefix}-{number}"
        folder = self.prepared.folder.with_name(f"{self.prepared.folder.name}-{number}")
        loop = asyncio.get_running_loop()
        sandbox = await loop.run_in_executor(None, self._lay, folder)
        ours, theirs = socket.socketpair()
        pulse, answering = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        with theirs, answering:
            process = self._begin(sandbox, theirs, answering)
        assert process.stdout is not None
        await _follow_log(process.stdout, self.logs / name)
        replica = Replica(name, process, owner, Pulse(pulse, process.pid))
        replica.gone.add_done_callback(lambda _: loop.run_in_executor(None, _remove_after, process, folder))
        await loop.create_unix_connection(lambda: replica, sock=ours)
        return replica

    def _lay(self, folder: Path) -> Sandbox:
        """The same files under names of its own, not copies of them."""
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("tmp", "work"):
            (folder / name).mkdir(mode=0o700, parents=True)
        shutil.copytree(self.prepared.folder / "ml", folder / "ml", copy_function=_link, symlinks=True)
        return make_sandbox(folder, self.state_folder, host="model", hosts=("model",))

    def _begin(self, sandbox: Sandbox, link: socket.socket, pulse: socket.socket) -> "subprocess.Popen[bytes]":
        descriptors = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, _ABOVE_SHELLS) for one in (link, pulse)]
        settings = {
            "socket_fd": descriptors[0],
            "heartbeat_fd": descriptors[1],
            "model_folder": str(sandbox.root / "model"),
            "engine": self.prepared.engine,
            "max_batch_size": self.prepared.most_samples,
            "replica_port": self.prepared.port,
            "start_timeout_s": self.start_timeout_s,
        }
        python = "python" if self.prepared.has_packages else sys.executable
        words = (python, "-m", _WORKER, json.dumps(settings))
        command, variables = sandbox.wrap(words, variables_of(sandbox.root, self.prepared.environment))
        try:
            return subprocess.Popen(  # noqa: S603  # reason: within the walls
                (*_DIES_WITH_US, *command),
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=descriptors,
                start_new_session=True,
            )
        except OSError as error:
            raise ServiceError(f"a replica cannot be started: {error}") from error
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


class _LogReader(asyncio.Protocol):
    def __init__(self, log: LogWriter) -> None:
        self._log = log

    def data_received(self, data: bytes) -> None:
        self._log.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # reason: asyncio's signature
        self._log.flush()
        self._log.close()


async def _follow_log(output: IO[bytes], folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    prune(folder.parent)
    log = LogWriter(folder)
    await asyncio.get_running_loop().connect_read_pipe(lambda: _LogReader(log), output)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _remove_after(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(60)
    shutil.rmtree(folder, ignore_errors=True)
