"""The programs that give a network the internet without a privilege: pasta, and slirp4netns where that is missing or fails.

Each runs outside, in the machine's network, and passes on what comes out of a tap interface inside.
"""

import fcntl
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TUN = Path("/dev/net/tun")
"""The device from which a tap interface is made."""
_NO_PORTS = ("-t", "none", "-u", "none", "-T", "none", "-U", "none")
"""Options of pasta: no port of one side is seen on the other one's loopback."""


@dataclass(frozen=True)
class InternetTool:
    name: str
    package: str
    """Its package in Debian, Ubuntu and Fedora."""
    options: tuple[str, ...]
    own_networks: tuple[str, ...] = ()
    """Networks in which the tool answers for the machine. A program must not reach them."""


PASTA = InternetTool("pasta", "passt", ("--foreground", "--quiet", "--config-net", "--no-map-gw", *_NO_PORTS))
_SLIRP_OPTIONS = ("--configure", "--mtu=65520", "--disable-host-loopback")
_SLIRP_NETWORKS = ("10.0.2.0/24",)
SLIRP4NETNS = InternetTool(
    "slirp4netns", "slirp4netns", (*_SLIRP_OPTIONS, "--enable-sandbox", "--enable-seccomp"), _SLIRP_NETWORKS
)
_OLDER_SLIRP4NETNS = InternetTool("slirp4netns", "slirp4netns", _SLIRP_OPTIONS, _SLIRP_NETWORKS)
"""Versions and machines on which its own sandbox does not work."""
INTERNET_TOOLS = (PASTA, SLIRP4NETNS, _OLDER_SLIRP4NETNS)
"""The tools in the order in which they are tried."""


def installed_internet_tools(tools: Sequence[InternetTool] = INTERNET_TOOLS) -> tuple[InternetTool, ...]:
    """Returns the tools that are installed; () also where the device that they need cannot be opened."""
    if not os.access(TUN, os.R_OK | os.W_OK):
        return ()
    return tuple(tool for tool in tools if shutil.which(tool.name) is not None)


def tool_words(tool: InternetTool, pid: int, ready: str, *, has_user_namespace: bool) -> list[str]:
    """Returns the command that attaches the tool to the network of the process ``pid``.

    For the process that executes it. ``ready``: a named pipe into which the tool writes when it is attached.
    """
    if tool.name != PASTA.name:
        descriptor = os.open(ready, os.O_WRONLY)
        fcntl.fcntl(descriptor, fcntl.F_SETFD, 0)  # it stays open in the tool
        return [tool.name, *tool.options, f"--ready-fd={descriptor}", str(pid), "tap0"]
    user = ("--userns", f"/proc/{pid}/ns/user") if has_user_namespace else ()
    privileges = ("--runas", "0") if os.geteuid() == 0 else ()  # else it becomes nobody, who may not enter the network
    return [tool.name, *tool.options, *user, "--netns", f"/proc/{pid}/ns/net", *privileges, "--pid", ready]
