"""``python -m … HOST COMMAND``: runs a command on another instance of the job, as mpirun does it by ssh elsewhere.

The instances are namespaces of one machine, so they meet at a socket that has no place in the file system. Its name and the
handshake come from the job's secret key, which no other job knows.
"""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any

_CONNECT_TIMEOUT_S = 300.0
_POLL_S = 0.05
_LOST = 1
"""The status of an instance whose first instance is gone."""


@dataclass
class RemoteShell:
    """The serving side, on every instance but the first."""

    host: str
    _ended: threading.Event = field(default_factory=threading.Event)
    _status: int = 0

    def serve(self) -> int:
        """Runs the commands of the first instance until it says that it has ended. Returns 0 then, and 1 when it is gone."""
        with Listener(_address(self.host), "AF_UNIX", authkey=_key()) as listener:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
            self._ended.wait()
        return self._status

    def _accept(self, listener: Listener) -> None:
        while not self._ended.is_set():
            try:
                connection = listener.accept()
            except (AuthenticationError, EOFError, OSError):
                continue
            threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: "Connection[Any, Any]") -> None:
        command = json.loads(connection.recv_bytes())
        if command is not None:
            status = subprocess.call(["/bin/sh", "-c", command], env=rank_variables())  # noqa: S603  # reason: mpirun's own command, of the same job
            connection.send_bytes(json.dumps(status).encode())
            return
        try:
            connection.recv_bytes()
        except EOFError:
            self._status = _LOST
        self._ended.set()


def connect(host: str) -> "Connection[Any, Any]":
    """Waits for the remote shell of an instance. Raises TimeoutError."""
    deadline = time.monotonic() + _CONNECT_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            return Client(_address(host), "AF_UNIX", authkey=_key())
        except (ConnectionRefusedError, FileNotFoundError):
            time.sleep(_POLL_S)
    raise TimeoutError(f"{host} did not start within {_CONNECT_TIMEOUT_S:.0f} s")


def watch(host: str) -> "Connection[Any, Any]":
    """Returns a connection that ends the remote shell of the host: well when something is sent, as lost when it is closed."""
    connection = connect(host)
    connection.send_bytes(json.dumps(None).encode())
    return connection


def main(arguments: Sequence[str]) -> int:
    host, *words = arguments
    with connect(host) as connection:
        connection.send_bytes(json.dumps(" ".join(words)).encode())
        status: int = json.loads(connection.recv_bytes())
    return status if status >= 0 else 128 - status


def rank_variables() -> dict[str, str]:
    """Returns the variables of MPI's processes. Their output goes through terminals, which pass on whole lines."""
    return {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}


def _address(host: str) -> str:
    return "\0naiad-" + hashlib.sha256(_key() + host.encode()).hexdigest()


def _key() -> bytes:
    return os.environ["AWS_SECRET_ACCESS_KEY"].encode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
