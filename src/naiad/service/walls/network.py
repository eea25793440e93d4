"""The inner side of a program's own network: its loopback, a way to the gateway, and addresses that lead nowhere.

A socket belongs to the network in which it was made, whoever accepts on it. So the program's side makes a listening socket at the
gateway's port and hands it to the agent, which passes each connection on; neither needs a privilege.
"""

import fcntl
import ipaddress
import json
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
_BACKLOG = 128
_LOOPBACK = "127.0.0.1"
_MAX_REPLY_BYTES = 65_536
_NEW_ROUTE, _UNREACHABLE, _TABLE_MAIN, _PROTOCOL_BOOT, _SCOPE_UNIVERSE, _DESTINATION = 24, 7, 254, 3, 0, 1
_REQUEST_CREATE_REPLACE = 0x1 | 0x4 | 0x100 | 0x400
_ERROR = 2


@dataclass(frozen=True)
class OwnNetwork:
    """A network namespace that a program has for itself, or that the instances of a job share on one machine."""

    gateway_port: int
    """The port on loopback at which the program finds the gateway, when it has a channel to its agent."""
    namespaces: tuple[str, ...] = ()
    """The files of existing namespaces to enter, the user's first; () makes a new network."""


def set_up_network(network: OwnNetwork, channel: int | None) -> None:
    """Returns when the network is ready. ``channel``: a socket to the agent, which is closed. Raises OSError."""
    if not network.namespaces:
        bring_loopback_up()
    if channel is None:
        return
    with socket.socket(fileno=channel) as connection:
        with _listen(network.gateway_port) as listener:
            socket.send_fds(connection, [b"listener"], [listener.fileno()])
        reply = connection.recv(_MAX_REPLY_BYTES)
        if not reply:
            raise ConnectionError("the agent has set up no network")
    for destination in json.loads(reply):
        _make_unreachable(ipaddress.ip_network(destination))


def receive_listener(channel: socket.socket, *, timeout_s: float) -> socket.socket | None:
    """Returns the listening socket of the program's side; None when that has ended, or takes too long."""
    channel.settimeout(timeout_s)
    try:
        _, descriptors, _, _ = socket.recv_fds(channel, 64, 1)
    except OSError:
        return None
    return socket.socket(fileno=descriptors[0]) if descriptors else None


def confirm_network(channel: socket.socket, unreachable: Sequence[str]) -> None:
    """Lets the program start. ``unreachable`` are networks that it must not reach. Raises OSError."""
    channel.sendall(json.dumps(list(unreachable)).encode())


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH22x", b"lo", 0)
        flags = struct.unpack("16sH22x", fcntl.ioctl(any_socket, _GET_FLAGS, request))[1]
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH22x", b"lo", flags | _UP))


def _listen(port: int) -> socket.socket:
    """Instances that share a network each have a listener at the same port, so that each may end."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((_LOOPBACK, port))
    listener.listen(_BACKLOG)
    return listener


def _make_unreachable(destination: Any) -> None:
    """Adds a route that refuses a network. Raises OSError."""
    family = socket.AF_INET if destination.version == 4 else socket.AF_INET6
    address = destination.network_address.packed
    attribute = struct.pack("=HH", 4 + len(address), _DESTINATION) + address
    route = struct.pack(
        "=BBBBBBBBI",
        *(family, destination.prefixlen, 0, 0, _TABLE_MAIN, _PROTOCOL_BOOT, _SCOPE_UNIVERSE, _UNREACHABLE, 0),
    )
    body = route + attribute
    header = struct.pack("=IHHII", 16 + len(body), _NEW_ROUTE, _REQUEST_CREATE_REPLACE, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.send(header + body)
        answer = netlink.recv(_MAX_REPLY_BYTES)
    kind, error = struct.unpack_from("=H", answer, 4)[0], struct.unpack_from("=i", answer, 16)[0]
    if kind == _ERROR and error:
        raise OSError(-error, f"no route refuses {destination}")
