"""Ports of replicas' own: the server listens, and its replicas accept. So no other process can listen on the port beside them.

A request to such a port names the token of its endpoint, which lies in a file that only the server's owner can read. Replicas get
the hash of it, since the words of a process are no secret.
"""

import hashlib
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

from naiad import durable
from naiad.service.domain.errors import Invalid

TOKEN_FILE = "replica-token"  # noqa: S105  # reason: a file's name
_HOST = "127.0.0.1"
_BACKLOG = 2048


@dataclass(frozen=True)
class ReplicaPort:
    listener: socket.socket
    token_sha256: str
    """The hash of the token, in hex."""


@dataclass
class _OpenPort:
    owner: Path
    port: ReplicaPort
    users: int = 0


@dataclass
class ReplicaPorts:
    """Used on the event loop's thread only. A port stays open while a deployment of its endpoint uses it."""

    _open: dict[int, _OpenPort] = field(default_factory=dict)

    def acquire(self, endpoint_folder: Path, number: int, token: str) -> ReplicaPort:
        """Returns the port for a deployment of the endpoint. Raises Invalid for one that something else has."""
        opened = self._open.get(number)
        if opened is None:
            port = ReplicaPort(_listen(number), hashlib.sha256(token.encode()).hexdigest())
            opened = self._open[number] = _OpenPort(endpoint_folder, port)
        elif opened.owner != endpoint_folder:
            raise Invalid(f"NAIAD_REPLICA_PORT {number} is that of endpoint {opened.owner.name}; give another one")
        opened.users += 1
        return opened.port

    def release(self, number: int) -> None:
        opened = self._open[number]
        opened.users -= 1
        if opened.users == 0:
            del self._open[number]
            opened.port.listener.close()


def load_or_make_token(endpoint_folder: Path) -> str:
    """Returns the endpoint's token. Blocks. Raises OSError."""
    path = endpoint_folder / TOKEN_FILE
    if not path.is_file():
        endpoint_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable.write_file(path, secrets.token_urlsafe(32).encode(), mode=0o600)
    return path.read_text(encoding="ascii")


def _listen(number: int) -> socket.socket:
    """Listens without SO_REUSEPORT, with which another process of the same user could take a part of the connections."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, number))
        listener.listen(_BACKLOG)
        listener.setblocking(False)  # noqa: FBT003  # reason: socket's signature
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise Invalid(f"NAIAD_REPLICA_PORT {number} cannot be used: {reason}; give a port that is free") from error
    return listener
