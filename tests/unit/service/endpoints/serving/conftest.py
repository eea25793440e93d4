"""Fixture: pools whose replicas are processes that answer by a script of the tests, and exit when a body says so."""

import asyncio
import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import pytest

from naiad.service.endpoints.frames import encode_meta
from naiad.service.endpoints.serving.invocation import Invocation, InvocationResponse
from naiad.service.endpoints.serving.replica import Replica, ReplicaOwner
from naiad.service.endpoints.serving.replica_pool import ReplicaPool

T = TypeVar("T")
WORKER = """
import os, socket, sys, time
from naiad.service.endpoints.frames import MORE, ORIGINAL_STATUS, PORT_COUNTS, READY, STOP, FrameUnpacker, encode_meta, pack_frame
server, unpacker = socket.socket(fileno=int(sys.argv[1])), FrameUnpacker()
if sys.argv[2] == "fail":
    server.sendall(pack_frame(READY, 424, b"", b"no weights"))
    sys.exit(1)
server.sendall(pack_frame(READY, 200, b"", b"{}"))
while data := server.recv(65536):
    for frame in unpacker.feed(data):
        if frame.body.startswith(b"exit"):
            os._exit(9)
        if frame.body.startswith(b"once "):
            path = frame.body[5:].decode()
            if not os.path.exists(path):
                open(path, "w").close()
                os._exit(9)
        if frame.body.startswith(b"chunks "):
            for chunk in (b"one", b"two"):
                status = 400 if frame.body == b"chunks own" else 200
                server.sendall(pack_frame(frame.id, status, b"", chunk, flags=MORE))
            if frame.body == b"chunks endless":
                server.sendall(pack_frame(frame.id, 200, b"", b"three", flags=MORE))
                continue
            status, end, flags = {
                b"chunks well": (200, b"end", 0),
                b"chunks fail": (424, b"broke off", 0),
                b"chunks own": (400, b"no", ORIGINAL_STATUS),
            }[frame.body]
            server.sendall(pack_frame(frame.id, status, b"", end, flags=flags))
            continue
        if frame.body == b"late chunks":
            late, stops = frame.id, []
            continue
        if frame.body == b"stopped?":
            server.sendall(pack_frame(late, 200, b"", b"chunk", flags=MORE))
            while not stops:
                stops += [one.id for one in unpacker.feed(server.recv(65536)) if one.flags & STOP]
            server.sendall(pack_frame(frame.id, 200, b"", b"%d" % stops[0]))
            continue
        if frame.body == b"counts":
            server.sendall(pack_frame(PORT_COUNTS, 200, b"", b"[[200, 2, 0.5], [503, 1, 0]]"))
        if frame.flags:
            continue
        if frame.body == b"hang":
            time.sleep(60)
        if frame.body == b"slow":
            time.sleep(0.05)
        server.sendall(pack_frame(frame.id, 200, encode_meta("a/b", ""), frame.body.upper()))
"""


@dataclass(frozen=True)
class ScriptedPools:
    """Runs a test with a pool of such replicas."""

    @staticmethod
    async def launch(owner: ReplicaOwner, number: int, mode: str = "serve") -> Replica:
        """mode: ``serve``, or ``fail`` for a model that cannot be loaded."""
        server_end, worker_end = socket.socketpair()
        descriptor = fcntl.fcntl(worker_end.fileno(), fcntl.F_DUPFD, 20)
        command = [sys.executable, "-c", WORKER, str(descriptor), mode]
        process = subprocess.Popen(command, pass_fds=(descriptor,))
        os.close(descriptor)
        worker_end.close()
        replica = Replica(f"r{number}", process, owner)
        await asyncio.get_running_loop().create_unix_connection(lambda: replica, sock=server_end)
        return replica

    @staticmethod
    def invocation(body: bytes) -> Invocation:
        response = asyncio.get_running_loop().create_future()
        return Invocation(encode_meta("", "", ""), body, response, time.monotonic())

    async def send(self, pool: ReplicaPool, *bodies: bytes) -> list[InvocationResponse]:
        """Returns the responses in the order of the bodies."""
        invocations = [self.invocation(body) for body in bodies]
        for one in invocations:
            pool.submit(one)
        return [await asyncio.wait_for(one.response, 30) for one in invocations]

    def run(self, count: int, act: Callable[[ReplicaPool], Awaitable[T]], *, max_in_flight: int = 4) -> T:
        """Returns what ``act`` returns. count: replicas that are ready before."""

        async def main() -> T:
            pool = ReplicaPool("v", self.launch, max_in_flight)
            watch = asyncio.create_task(pool.watch())
            pool.resize(count)
            await pool.wait_ready()
            try:
                return await act(pool)
            finally:
                watch.cancel()
                await pool.close()

        return asyncio.run(main())


@pytest.fixture
def pools() -> ScriptedPools:
    return ScriptedPools()
