"""The addresses that a program with the internet must not reach: the machine's own, and those that trust every caller."""

import socket

import psutil

METADATA = ("169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::/32", "fd20:ce::254/128")
"""Addresses at which clouds answer with the credentials of the machine."""
LOOPBACK = ("127.0.0.0/8", "::1/128")
"""Addresses that a program could send to the tool by naming its interface."""
LINK_LOCAL = "fe80::/10"
"""Addresses of IPv6 at which the machine listens besides its others, and its neighbours do."""


def host_networks() -> tuple[str, ...]:
    """Returns the machine's own addresses but for loopback's, as networks of one address each."""
    families = (socket.AF_INET, socket.AF_INET6)
    found = [each for addresses in psutil.net_if_addrs().values() for each in addresses if each.family in families]
    addresses = {each.address for each in found if "%" not in each.address}  # a scope is link-local's
    return tuple(
        sorted(f"{each}/{128 if ':' in each else 32}" for each in addresses if each not in ("127.0.0.1", "::1"))
    )


def unreachable_networks(own_networks: tuple[str, ...]) -> tuple[str, ...]:
    """Returns what is refused to a program. ``own_networks``: those in which its way into the internet answers itself."""
    return (*LOOPBACK, LINK_LOCAL, *METADATA, *own_networks, *host_networks())
