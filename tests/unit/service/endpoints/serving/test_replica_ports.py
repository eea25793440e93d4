"""Ports of replicas' own belong to one endpoint, and to no other process."""

import hashlib
import socket
from pathlib import Path

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.endpoints.serving.replica_ports import ReplicaPorts, load_or_make_token


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def listen_beside(port: int, host: str = "127.0.0.1") -> socket.socket:
    """Does what another process of the same user could do."""
    other = socket.socket()
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        other.setsockopt(socket.SOL_SOCKET, option, 1)
    try:
        other.bind((host, port))
        other.listen()
    except OSError:
        other.close()
        raise
    return other


def test_no_other_process_can_listen_on_the_port():
    """Beside listeners that share a port, one of the same user's gets a part of the connections."""
    ports, number = ReplicaPorts(), free_port()
    ports.acquire(Path("/endpoints/a"), number, "token")
    for host in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(OSError, match="in use"):
            listen_beside(number, host)
    ports.release(number)
    listen_beside(number).close()


def test_a_port_is_shared_by_the_deployments_of_one_endpoint():
    ports, number = ReplicaPorts(), free_port()
    first = ports.acquire(Path("/endpoints/a"), number, "token")
    assert ports.acquire(Path("/endpoints/a"), number, "token") is first
    with pytest.raises(Invalid, match="that of endpoint a"):
        ports.acquire(Path("/endpoints/b"), number, "token")
    ports.release(number)
    assert first.listener.fileno() >= 0
    ports.release(number)
    assert first.listener.fileno() == -1
    ports.acquire(Path("/endpoints/b"), number, "token")
    ports.release(number)


def test_a_port_of_another_program():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(
            Invalid, match=r"NAIAD_REPLICA_PORT \d+ cannot be used: .*in use.*; give a port that is free"
        ):
            ReplicaPorts().acquire(Path("/endpoints/a"), taken.getsockname()[1], "token")


def test_the_token_of_an_endpoint(tmp_path: Path):
    token = load_or_make_token(tmp_path / "a")
    assert load_or_make_token(tmp_path / "a") == token != load_or_make_token(tmp_path / "b")
    assert len(token) > 40
    assert (tmp_path / "a" / "replica-token").stat().st_mode & 0o777 == 0o600
    ports, number = ReplicaPorts(), free_port()
    assert ports.acquire(tmp_path / "a", number, token).token_sha256 == hashlib.sha256(token.encode()).hexdigest()
    ports.release(number)
