"""Launcher: starts a replica, with a folder of its own, a pair of sockets, and a worker inside the sandbox."""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TypeVar, cast

from naiad.service.contract.log_writer import LogWriter
from naiad.service.endpoints.serving.heartbeat import Heartbeat
from naiad.service.endpoints.serving.log_streams import remove_old_log_streams
from naiad.service.endpoints.serving.model_sandbox import ModelSandbox, program_variables
from naiad.service.endpoints.serving.prepared_model import PreparedModel
from naiad.service.endpoints.serving.replica import Replica, ReplicaFailed, ReplicaOwner
from naiad.service.endpoints.serving.replica_monitor import ReplicaMonitor
from naiad.service.endpoints.serving.replica_ports import ReplicaPort
from naiad.service.walls.resource_guard import NO_CONTROL_GROUP, ResourceGuard, ResourceLimits
from naiad.service.walls.sandbox import Sandbox
from naiad.service.walls.start import start_program
from naiad.service.walls.user_files import give_to_program

_LOG = logging.getLogger(__name__)
_WORKER = "naiad.service.endpoints.worker"
_SOCKET_BUFFER_BYTES = 2**20
_EXIT_TIMEOUT_S = 60
_READ_BYTES = 64 * 1024
T = TypeVar("T")


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
    limits: ResourceLimits
    """Limits of one replica."""
    monitor: ReplicaMonitor
    """Ends the replicas that go over them."""
    port: ReplicaPort | None = None
    """Port from which the replicas accept, besides the server's frames."""

    async def __call__(self, owner: ReplicaOwner, number: int) -> Replica:
        """Used on the loop's thread, since a process ends with the thread that started it. Raises ReplicaFailed, OSError.

        A server that starts again cannot take over a replica, so replicas end with it, even when it is killed.
        """
        name = f"{self.name_prefix}-{number}"
        folder = self.prepared.folder.with_name(f"{self.prepared.folder.name}-{number}")
        loop = asyncio.get_running_loop()
        sandbox, guard = await _make_in_thread(partial(self._make_folder, folder), lambda made: made[1].close())
        connection, worker_connection = socket.socketpair()
        heartbeat, worker_heartbeat = socket.socketpair()
        process = None
        try:
            for end in (connection, worker_connection):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER_BYTES)
            opening = partial(_open_log, self.logs / name, has_group=guard.group is not None)
            log = await _make_in_thread(opening, LogWriter.close)
            with contextlib.ExitStack() as opened:
                opened.enter_context(contextlib.closing(log))
                with worker_connection, worker_heartbeat:
                    process = self._start_process(sandbox, guard, worker_connection, worker_heartbeat)
                opened.pop_all()  # the thread closes it
            _start_copier(name, cast(IO[bytes], process.stdout), log)
            replica = Replica(name, process, owner, Heartbeat(heartbeat, process.pid), guard)
            await loop.create_unix_connection(lambda: replica, sock=connection)
        except BaseException:  # also when the start is cancelled
            for end in (connection, worker_connection, heartbeat, worker_heartbeat):
                end.close()
            if process is not None:
                process.kill()
            loop.run_in_executor(None, _remove, process, guard, folder)
            raise
        clean_up = partial(_clean_up, replica, guard, folder, self.logs / name)
        replica.disconnected.add_done_callback(lambda _: loop.run_in_executor(None, clean_up))
        self.monitor.watch(replica, guard)
        return replica

    def _make_folder(self, folder: Path) -> tuple[Sandbox, ResourceGuard]:
        """Makes the replica's folder of hard links to the prepared files, which become its program's. Blocks.

        They do not count as written.
        """
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("tmp", "work"):
            (folder / name).mkdir(mode=0o700, parents=True)
        shutil.copytree(self.prepared.folder / "ml", folder / "ml", copy_function=_link_or_copy, symlinks=True)
        sandbox = self.sandbox.make(folder, self.limits)
        give_to_program(sandbox.walls)
        return sandbox, self.sandbox.open_guard(folder, self.limits)

    def _start_process(
        self, sandbox: Sandbox, guard: ResourceGuard, connection: socket.socket, heartbeat: socket.socket
    ) -> "subprocess.Popen[bytes]":
        settings = {
            "socket_fd": connection.fileno(),
            "heartbeat_fd": heartbeat.fileno(),
            "model_folder": str(sandbox.root / "model"),
            "engine": self.prepared.engine,
            "max_batch_size": self.prepared.max_batch_size,
            "listener_fd": None if self.port is None else self.port.listener.fileno(),
            "token_sha256": None if self.port is None else self.port.token_sha256,
            "start_timeout_s": self.start_timeout_s,
        }
        python = "python" if self.prepared.has_requirements else sys.executable
        worker = (python, "-m", _WORKER, json.dumps(settings))
        variables = program_variables(sandbox.root, self.prepared.environment)
        network = self.sandbox.replica_network()
        request = sandbox.request(worker, variables, group=guard.group, network=network)
        try:
            listeners = () if self.port is None else (self.port.listener.fileno(),)
            descriptors = (connection.fileno(), heartbeat.fileno(), *listeners)
            return start_program(request, stdout=subprocess.PIPE, pass_fds=descriptors, gives_folders=False)
        except OSError as error:
            raise ReplicaFailed(f"a replica cannot be started: {error}") from error


async def _make_in_thread(make: Callable[[], T], close: Callable[[T], object]) -> T:
    """Calls ``make`` beside the loop. When the wait for it is cancelled, what it makes is closed."""
    making = asyncio.get_running_loop().run_in_executor(None, make)
    try:
        return await asyncio.shield(making)
    except asyncio.CancelledError:
        making.add_done_callback(
            lambda made: None if made.cancelled() or made.exception() is not None else close(made.result())
        )
        raise


def _open_log(folder: Path, *, has_group: bool) -> LogWriter:
    """Blocks."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    remove_old_log_streams(folder.parent)
    log = LogWriter(folder)
    if not has_group:
        log.write_message(NO_CONTROL_GROUP)
    return log


def _start_copier(name: str, output: IO[bytes], log: LogWriter) -> None:
    threading.Thread(target=_copy_output, args=(output, log), name=f"output of {name}", daemon=True).start()


def _copy_output(output: IO[bytes], log: LogWriter) -> None:
    """Writes what a process prints into its log stream, until its end. Blocks: a program may print without pause."""
    with output, contextlib.closing(log):
        try:
            while data := os.read(output.fileno(), _READ_BYTES):
                log.feed(data)
            log.flush()
        except OSError as error:
            _LOG.warning("the output of a replica cannot be written, and is lost from here on: %s", error)
            while os.read(output.fileno(), _READ_BYTES):  # else the program would stop at a full pipe
                pass


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _clean_up(replica: Replica, guard: ResourceGuard, folder: Path, log_folder: Path) -> None:
    """Says in the log why the replica was ended, and removes what it had. Blocks."""
    if replica.end_reason:
        with contextlib.suppress(OSError), contextlib.closing(LogWriter(log_folder)) as log:
            log.write_message(f"the replica was ended: {replica.end_reason}")
    _remove(replica.process, guard, folder)


def _remove(process: "subprocess.Popen[bytes] | None", guard: ResourceGuard, folder: Path) -> None:
    """Waits for the process of a replica, which ends, and removes what it had. Blocks."""
    if process is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_EXIT_TIMEOUT_S)
    shutil.rmtree(folder, ignore_errors=True)
    guard.close()
