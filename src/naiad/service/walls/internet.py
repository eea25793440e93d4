"""The way of a program's own network into the internet: pasta, a small program that needs no privilege, where it is installed."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psutil

_TIMEOUT_S = 10.0
_TUN = Path("/dev/net/tun")
METADATA = ("169.254.0.0/16", "fd00:ec2::/32")
"""Addresses at which clouds answer with the credentials of the machine."""


def has_internet_program() -> bool:
    """Whether pasta is installed and has the device that it needs."""
    return shutil.which("pasta") is not None and os.access(_TUN, os.R_OK | os.W_OK)


def attach_internet(pid: int) -> str | None:
    """Attaches the internet to the network of a process, until that is gone. Returns why not, when it fails."""
    with tempfile.NamedTemporaryFile() as file:
        ports = ("-t", "none", "-u", "none", "-T", "none", "-U", "none")
        user = ("--runas", "0") if os.geteuid() == 0 else ()
        command = ("pasta", "--config-net", "--quiet", "--no-map-gw", *ports, *user, "--pid", file.name, str(pid))
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # noqa: S603  # reason: a constant command
        try:
            _, errors = process.communicate(timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return f"pasta did not attach within {_TIMEOUT_S:g} s"
    if process.returncode != 0:
        return f"pasta: {(errors.decode(errors='replace').strip().splitlines() or ['no reason'])[-1]}"
    return None


def host_networks() -> tuple[str, ...]:
    """Returns the machine's own addresses but for loopback's, as networks of one address each."""
    families = (socket.AF_INET, socket.AF_INET6)
    found = [each for addresses in psutil.net_if_addrs().values() for each in addresses if each.family in families]
    addresses = {each.address.partition("%")[0] for each in found}
    return tuple(
        sorted(f"{each}/{128 if ':' in each else 32}" for each in addresses if each not in ("127.0.0.1", "::1"))
    )
