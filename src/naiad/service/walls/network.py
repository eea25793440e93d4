"""The inner side of a program's own network: loopback, ways to the gateway and to name servers, and addresses that are refused.

A socket belongs to the network in which it was made, whoever reads from it. So the program's side makes sockets at the ports of
the gateway and of name servers and hands them to the agent, which passes on what comes; neither needs a privilege.
"""

import fcntl
import json
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from naiad.service.walls.address_routes import refuse_addresses
from naiad.service.walls.name_servers import PORT

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
_BACKLOG = 128
_LOOPBACK = "127.0.0.1"
_MAX_REPLY_BYTES = 65_536
_MAX_SOCKETS = 16


@dataclass(frozen=True)
class OwnNetwork:
    """A network namespace that a program has for itself, or that the instances of a job share on one machine."""

    gateway_port: int
    """The port on loopback at which the program finds the gateway, when it has a channel to its agent."""
    namespaces: tuple[str, ...] = ()
    """The files of existing namespaces to enter, the user's first; () makes a new network."""
    name_servers: tuple[str, ...] = ()
    """Addresses on loopback at which the program finds the machine's name servers."""
    resolv_conf: str = ""
    """Its /etc/resolv.conf; "" shows the machine's."""


@dataclass(frozen=True)
class NetworkSockets:
    """The sockets that the program's side has made, for the agent."""

    gateway: socket.socket
    name_servers: tuple[tuple[socket.socket, socket.socket], ...]
    """The socket of datagrams and the listening one of each name server."""


def set_up_network(network: OwnNetwork, channel: int | None) -> None:
    """Returns when the network is ready. ``channel``: a socket to the agent, which is closed. Raises OSError."""
    if not network.namespaces:
        bring_loopback_up()
    if channel is None:
        return
    with socket.socket(fileno=channel) as connection:
        sockets = _open_sockets(network)
        socket.send_fds(connection, [b"sockets"], [each.fileno() for each in sockets])
        for each in sockets:
            each.close()
        reply = connection.recv(_MAX_REPLY_BYTES)
        if not reply:
            raise ConnectionError("the agent has set up no network")
    refuse_addresses(json.loads(reply))


def receive_sockets(channel: socket.socket, *, timeout_s: float) -> NetworkSockets | None:
    """Returns the sockets of the program's side; None when that has ended, or takes too long."""
    channel.settimeout(timeout_s)
    try:
        _, descriptors, _, _ = socket.recv_fds(channel, 64, _MAX_SOCKETS)
    except OSError:
        return None
    if not descriptors:
        return None
    gateway, *others = (socket.socket(fileno=descriptor) for descriptor in descriptors)
    return NetworkSockets(gateway, tuple(zip(others[::2], others[1::2], strict=True)))


def confirm_network(channel: socket.socket, unreachable: Sequence[str]) -> None:
    """Lets the program start. ``unreachable`` are networks that it must not reach. Raises OSError."""
    channel.sendall(json.dumps(list(unreachable)).encode())


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH22x", b"lo", 0)
        flags = struct.unpack("16sH22x", fcntl.ioctl(any_socket, _GET_FLAGS, request))[1]
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH22x", b"lo", flags | _UP))


def _open_sockets(network: OwnNetwork) -> list[socket.socket]:
    """Returns the socket for the gateway, and two for each name server. Raises OSError.

    Instances that share a network have sockets at the same ports, so that each may end.
    """
    sockets = [_open(socket.SOCK_STREAM, _LOOPBACK, network.gateway_port)]
    for address in network.name_servers:
        sockets += [_open(kind, address, PORT) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
    return sockets


def _open(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, kind)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    opened.bind((address, port))
    if kind == socket.SOCK_STREAM:
        opened.listen(_BACKLOG)
    return opened
