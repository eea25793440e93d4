"""The network of a program, from the agent's side: which one it gets, and its ways to the gateway and to name servers."""

import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from naiad.service.domain.errors import Invalid
from naiad.service.executors.port import InstanceSpec
from naiad.service.walls.datagram_forwarder import DatagramForwarder
from naiad.service.walls.forwarder import Forwarder
from naiad.service.walls.internet_tools import InternetTool, installed_internet_tools
from naiad.service.walls.kept_network import KeptNetwork, keep_network
from naiad.service.walls.name_servers import PORT, NameServers, read_name_servers
from naiad.service.walls.network import OwnNetwork, confirm_network, receive_sockets
from naiad.service.walls.program_settings import ProgramNetwork
from naiad.service.walls.support import WallSupport, find_wall_support
from naiad.service.walls.unreachable import unreachable_networks

_LOOPBACK = "127.0.0.1"
_START_TIMEOUT_S = 60.0
_NO_NAME_SERVERS = NameServers((), "")
_NO_NETWORKS = "networks of programs' own are not allowed here"
_NOT_ALLOWED = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EINVAL)
"""Errors of a machine that allows no network of its own. Any other one, such as lack of memory, opens nothing."""


@dataclass
class JobNetwork:
    """The network of one instance's program."""

    own: OwnNetwork | None
    """None shares the machine's."""
    gateway: tuple[str, int]
    message: str | None = None
    """A line for the log: more or less is open than the server asked for."""
    name_servers: NameServers = _NO_NAME_SERVERS
    kept: KeptNetwork | None = None
    """The network, which a process of its own keeps; None when it is the machine's."""
    _forwarders: list[Forwarder | DatagramForwarder] = field(default_factory=list)

    def program_spec(self, spec: InstanceSpec) -> InstanceSpec:
        """Returns the spec with the address at which the program finds the gateway."""
        if self.own is None:
            return spec
        return replace(spec, endpoint_url=f"http://{_LOOPBACK}:{self.own.gateway_port}")

    def set_up(self, channel: socket.socket) -> None:
        """Returns when the program may start, or has ended."""
        if self.own is None or (sockets := receive_sockets(channel, timeout_s=_START_TIMEOUT_S)) is None:
            return
        self._forwarders.append(Forwarder(sockets.gateway, self.gateway))
        for address, (datagrams, listener) in zip(self.name_servers.addresses, sockets.name_servers, strict=True):
            self._forwarders += (
                DatagramForwarder(datagrams, (address, PORT)),
                Forwarder(listener, (address, PORT)),
            )
        tool = self.kept.tool if self.kept is not None else None
        confirm_network(channel, unreachable_networks(tool.own_networks) if tool is not None else ())

    def close(self) -> None:
        for forwarder in self._forwarders:
            forwarder.close()
        if self.kept is not None:
            self.kept.close()


def make_job_network(spec: InstanceSpec, tools: Sequence[InternetTool] | None = None) -> JobNetwork:
    """Returns the network that the request and the server ask for, or the machine's where it allows no other.

    ``tools`` are the ways into the internet, by default those that are installed. Raises Invalid when a request that must be
    isolated cannot be.
    """
    parts = urlsplit(spec.endpoint_url)
    gateway = (parts.hostname or _LOOPBACK, parts.port or 80)
    support = find_wall_support()
    wanted: str = ProgramNetwork.NONE if is_isolated(spec) else spec.network
    if wanted == ProgramNetwork.HOST:
        return JobNetwork(None, gateway)
    if wanted == ProgramNetwork.NONE:
        tools = ()
    elif tools is None:
        tools = installed_internet_tools()
    missing = _missing(spec, support, has_tool=wanted == ProgramNetwork.NONE or bool(tools))
    try:
        kept = _keep(spec, tools, support) if missing is None else None
    except OSError as error:
        if error.errno not in _NOT_ALLOWED:
            raise
        kept, missing = None, f"{_NO_NETWORKS} ({error.strerror})"
    if kept is not None:
        return _own_network(gateway, kept)
    if is_isolated(spec):
        raise Invalid(f"EnableNetworkIsolation cannot be kept here: {missing}; leave it out")
    return JobNetwork(None, gateway, f"{missing}: the program shares the machine's network, with its other ports")


def _keep(spec: InstanceSpec, tools: Sequence[InternetTool], support: WallSupport) -> KeptNetwork:
    """Returns the network of the attempt when the job has several instances, and else of this one. Raises OSError."""
    folder = spec.instance.folder.parent if len(spec.hosts) > 1 else spec.instance.folder
    return keep_network(folder, tools, has_user_namespace=support.user_id is None)


def _own_network(gateway: tuple[str, int], kept: KeptNetwork) -> JobNetwork:
    servers = read_name_servers() if kept.tool is not None else _NO_NAME_SERVERS
    own = OwnNetwork(gateway[1], kept.namespaces, servers.inner_addresses, servers.resolv_conf)
    has_failed = kept.tool is None and kept.problems
    message = f"the program has no internet: {'; '.join(kept.problems)}" if has_failed else None
    return JobNetwork(own, gateway, message, servers, kept)


def is_isolated(spec: InstanceSpec) -> bool:
    """Whether the request asks for EnableNetworkIsolation."""
    return bool(
        spec.request.get("EnableNetworkIsolation")
        or spec.request.get("NetworkConfig", {}).get("EnableNetworkIsolation")
    )


def _missing(spec: InstanceSpec, support: WallSupport, *, has_tool: bool) -> str | None:
    """Returns what a network of its own lacks here, in words; None when it lacks nothing."""
    if not spec.is_on_one_node:
        return "the instances of this job run on several machines"
    if not has_tool:
        return "neither pasta nor slirp4netns can be used here"
    if not support.has_namespaces:
        return _NO_NETWORKS
    return None
