"""Launcher: starts a replica, with a folder of its own, a pair of sockets, and a worker inside the sandbox."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from naiad.service.contract.log_writer import LogWriter
from naiad.service.endpoints.serving.heartbeat import Heartbeat
from naiad.service.endpoints.serving.log_streams import remove_old_log_streams
from naiad.service.endpoints.serving.model_sandbox import ModelSandbox, program_variables
from naiad.service.endpoints.serving.prepared_model import PreparedModel
from naiad.service.endpoints.serving.replica import Replica, ReplicaFailed, ReplicaOwner
from naiad.service.walls.sandbox import Sandbox
from naiad.service.walls.start import start_program

_WORKER = "naiad.service.endpoints.worker"
_SOCKET_BUFFER_BYTES = 2**20
_EXIT_TIMEOUT_S = 60


@dataclass(frozen=True)
class Launcher:
    """Launches the replicas of one variant of one deployment."""

    prepared: PreparedModel
    sandbox: ModelSandbox
    logs: Path
    """Folder of the variant's log streams."""
    name_prefix: str
    """Prefix of the replicas' names, so that those of two deployments differ."""
    start_timeout_s: float

    async def __call__(self, owner: ReplicaOwner, number: int) -> Replica:
        """Used on the loop's thread, since a process ends with the thread that started it. Raises ReplicaFailed, OSError.

        A server that starts again cannot take over a replica, so replicas end with it, even when it is killed.
        """
        name = f"{self.name_prefix}-{number}"
        folder = self.prepared.folder.with_name(f"{self.prepared.folder.name}-{number}")
        loop = asyncio.get_running_loop()
        sandbox = await loop.run_in_executor(None, self._make_folder, folder)
        connection, worker_connection = socket.socketpair()
        heartbeat, worker_heartbeat = socket.socketpair()
        for end in (connection, worker_connection):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER_BYTES)
        with worker_connection, worker_heartbeat:
            process = self._start_process(sandbox, worker_connection, worker_heartbeat)
        await _follow_output(cast(IO[bytes], process.stdout), self.logs / name)
        replica = Replica(name, process, owner, Heartbeat(heartbeat, process.pid))
        replica.disconnected.add_done_callback(lambda _: loop.run_in_executor(None, _remove_folder, process, folder))
        await loop.create_unix_connection(lambda: replica, sock=connection)
        return replica

    def _make_folder(self, folder: Path) -> Sandbox:
        """Makes the replica's folder of hard links to the prepared files."""
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("tmp", "work"):
            (folder / name).mkdir(mode=0o700, parents=True)
        shutil.copytree(self.prepared.folder / "ml", folder / "ml", copy_function=_link_or_copy, symlinks=True)
        return self.sandbox.make(folder)

    def _start_process(
        self, sandbox: Sandbox, connection: socket.socket, heartbeat: socket.socket
    ) -> "subprocess.Popen[bytes]":
        settings = {
            "socket_fd": connection.fileno(),
            "heartbeat_fd": heartbeat.fileno(),
            "model_folder": str(sandbox.root / "model"),
            "engine": self.prepared.engine,
            "max_batch_size": self.prepared.max_batch_size,
            "replica_port": self.prepared.replica_port,
            "start_timeout_s": self.start_timeout_s,
        }
        python = "python" if self.prepared.has_requirements else sys.executable
        worker = (python, "-m", _WORKER, json.dumps(settings))
        variables = program_variables(sandbox.root, self.prepared.environment)
        network = self.sandbox.replica_network(self.prepared.replica_port)
        request = sandbox.request(worker, variables, network=network)
        try:
            descriptors = (connection.fileno(), heartbeat.fileno())
            return start_program(request, stdout=subprocess.PIPE, pass_fds=descriptors)
        except OSError as error:
            raise ReplicaFailed(f"a replica cannot be started: {error}") from error


class _OutputReader(asyncio.Protocol):
    """Writes what a process prints into its log stream."""

    def __init__(self, log: LogWriter) -> None:
        self._log = log

    def data_received(self, data: bytes) -> None:
        self._log.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # reason: asyncio's signature
        self._log.flush()
        self._log.close()


async def _follow_output(output: IO[bytes], folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    remove_old_log_streams(folder.parent)
    log = LogWriter(folder)
    await asyncio.get_running_loop().connect_read_pipe(lambda: _OutputReader(log), output)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _remove_folder(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Removes the replica's folder once its process has exited. Blocks."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_EXIT_TIMEOUT_S)
    shutil.rmtree(folder, ignore_errors=True)
