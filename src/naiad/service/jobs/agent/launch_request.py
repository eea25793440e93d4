"""The request by which an agent makes its standby become a program, and its way through their socket."""

import json
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass

_LENGTH_BYTES = 8


@dataclass(frozen=True)
class LaunchRequest:
    """The program that a standby becomes."""

    words: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: str
    cpus: tuple[int, ...]
    mounts: tuple[str, ...]
    """The command that makes the sandbox's mounts; empty for no sandbox."""

    def send(self, connection: socket.socket) -> None:
        text = json.dumps(asdict(self)).encode()
        connection.sendall(len(text).to_bytes(_LENGTH_BYTES) + text)


def receive_launch_request(connection: socket.socket) -> LaunchRequest | None:
    """Waits for a request. Returns None when the connection is closed without one."""
    with connection.makefile("rb") as file:
        length = file.read(_LENGTH_BYTES)
        text = file.read(int.from_bytes(length)) if len(length) == _LENGTH_BYTES else b""
    if not text:
        return None
    values = json.loads(text)
    return LaunchRequest(
        tuple(values["words"]), values["environment"], values["cwd"], tuple(values["cpus"]), tuple(values["mounts"])
    )
