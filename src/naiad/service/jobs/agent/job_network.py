"""The network of a program, from the agent's side: which one it gets, its way to the gateway, and the internet."""

import socket
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from naiad.service.domain.errors import Invalid
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.shared_network import enter_shared_network
from naiad.service.walls.forwarder import Forwarder
from naiad.service.walls.internet import METADATA, attach_internet, has_internet_program, host_networks
from naiad.service.walls.network import OwnNetwork, confirm_network, receive_listener
from naiad.service.walls.program_settings import ProgramNetwork
from naiad.service.walls.support import WallSupport, find_wall_support

_LOOPBACK = "127.0.0.1"
_START_TIMEOUT_S = 60.0


@dataclass
class JobNetwork:
    """The network of one instance's program."""

    own: OwnNetwork | None
    """None shares the machine's."""
    gateway: tuple[str, int]
    has_internet: bool = False
    message: str | None = None
    """A line for the log: the server asked for less than is open."""
    _forwarder: Forwarder | None = field(default=None)

    def program_spec(self, spec: InstanceSpec) -> InstanceSpec:
        """Returns the spec with the address at which the program finds the gateway."""
        if self.own is None:
            return spec
        return replace(spec, endpoint_url=f"http://{_LOOPBACK}:{self.own.gateway_port}")

    def set_up(self, channel: socket.socket, pid: int) -> str | None:
        """Returns when the program may start, or has ended. ``pid``: the process that waits for it.

        Returns what could not be set up, for the log.
        """
        if self.own is None or (listener := receive_listener(channel, timeout_s=_START_TIMEOUT_S)) is None:
            return None
        self._forwarder = Forwarder(listener, self.gateway)
        unreachable: tuple[str, ...] = ()
        problem = None
        if self.has_internet:
            problem = attach_internet(pid)
            unreachable = (*METADATA[:1], *host_networks()) if problem is None else ()
        confirm_network(channel, unreachable)
        return problem and f"the program has no internet: {problem}"

    def close(self) -> None:
        if self._forwarder is not None:
            self._forwarder.close()


def make_job_network(spec: InstanceSpec) -> JobNetwork:
    """Returns the network that the request and the server ask for, or the machine's where it allows no other.

    Raises Invalid when a request that must be isolated cannot be.
    """
    parts = urlsplit(spec.endpoint_url)
    gateway = (parts.hostname or _LOOPBACK, parts.port or 80)
    support, wanted = find_wall_support(), ProgramNetwork.NONE if is_isolated(spec) else spec.network
    if wanted == ProgramNetwork.HOST:
        return JobNetwork(None, gateway)
    missing = _missing(support, wanted)
    if missing is not None and is_isolated(spec):
        raise Invalid(f"EnableNetworkIsolation cannot be kept here: {missing}; leave it out")
    if missing is not None:
        message = f"{missing}: the program shares the machine's network, with its other ports"
        return JobNetwork(None, gateway, message=message)
    namespaces = enter_shared_network(_shared_folder(spec), is_root=support.user_id is not None)
    return JobNetwork(OwnNetwork(gateway[1], namespaces), gateway, has_internet=wanted == ProgramNetwork.INTERNET)


def is_isolated(spec: InstanceSpec) -> bool:
    """Whether the request asks for EnableNetworkIsolation."""
    return bool(
        spec.request.get("EnableNetworkIsolation")
        or spec.request.get("NetworkConfig", {}).get("EnableNetworkIsolation")
    )


def _missing(support: WallSupport, wanted: str) -> str | None:
    """Returns what this machine lacks for a network, in words; None when it lacks nothing."""
    if wanted == ProgramNetwork.INTERNET and not has_internet_program():
        return "pasta is not installed here"
    if not support.has_network:
        return "networks of programs' own are not allowed here"
    return None


def _shared_folder(spec: InstanceSpec) -> Path | None:
    """Returns the folder of the attempt when instances of the job share a network."""
    return spec.instance.folder.parent if len(spec.hosts) > 1 else None
