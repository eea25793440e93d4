"""Routes of a program's own network that refuse addresses: these count as its own ones, where nothing of the machine listens.

The table of own addresses comes before every other one, with whatever routes a tool has copied from the machine. Routes that say
*unreachable* would not do: for a socket that is bound to an interface, Linux tries the interface where it finds no route, and
pasta answers there for every address.
"""

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

_NEW_ROUTE, _ERROR = 24, 2
_REQUEST_ACKNOWLEDGE_CREATE_APPEND = 0x1 | 0x4 | 0x400 | 0x800
_TABLE_LOCAL, _PROTOCOL_BOOT, _SCOPE_HOST, _TYPE_LOCAL = 255, 3, 254, 2
_DESTINATION, _INTERFACE = 1, 4
_MAX_REPLY_BYTES = 65_536
_LOOPBACK = "lo"
_IPV6 = Path("/proc/net/if_inet6")


def refuse_addresses(networks: Iterable[str]) -> None:
    """Makes addresses unreachable from the network of this process, through each interface that it has. Raises OSError.

    Leaves IPv6 out where the kernel has none.
    """
    interfaces = [index for index, name in socket.if_nameindex() if name != _LOOPBACK]
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        for text in networks:
            network = ipaddress.ip_network(text)
            for interface in interfaces:
                if network.version == 4 or _IPV6.exists():
                    _add_route(netlink, network, interface)


def _add_route(netlink: socket.socket, network: ipaddress.IPv4Network | ipaddress.IPv6Network, interface: int) -> None:
    family = socket.AF_INET if network.version == 4 else socket.AF_INET6
    kind = (_TABLE_LOCAL, _PROTOCOL_BOOT, _SCOPE_HOST, _TYPE_LOCAL)
    route = struct.pack("=BBBBBBBBI", family, network.prefixlen, 0, 0, *kind, 0)
    body = route + _attribute(_DESTINATION, network.network_address.packed)
    body += _attribute(_INTERFACE, struct.pack("=i", interface))
    header = struct.pack("=IHHII", 16 + len(body), _NEW_ROUTE, _REQUEST_ACKNOWLEDGE_CREATE_APPEND, 1, 0)
    netlink.send(header + body)
    answer = netlink.recv(_MAX_REPLY_BYTES)
    answered, error = struct.unpack_from("=H", answer, 4)[0], -struct.unpack_from("=i", answer, 16)[0]
    if answered == _ERROR and error not in (0, errno.EEXIST):  # another instance of the job has added it
        raise OSError(error, f"no route refuses {network}: {os.strerror(error)}")


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value
