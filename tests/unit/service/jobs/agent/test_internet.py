"""The internet of a program by each tool that is installed, and what stays out of its reach."""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from agent_runs import training_spec
from network_programs import REFUSED, TOOL_NAMES, chosen_tool, machine_listener, network_sandbox, output_in, reached_in
from outside_network import MACHINE_ADDRESS, outside_network

from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent import job_network
from naiad.service.jobs.agent.job_network import JobNetwork, make_job_network
from naiad.service.walls.internet_tools import InternetTool
from naiad.service.walls.name_servers import NameServers
from naiad.service.walls.support import find_wall_support
from naiad.service.walls.unreachable import host_networks

pytestmark = pytest.mark.skipif(not find_wall_support().has_network, reason="networks of programs' own are not allowed")
METADATA = ("169.254.169.254", 80), ("169.254.170.2", 80), ("fd00:ec2::254", 80)
RESOLVE = """if True:
    import json, socket
    print(json.dumps([open("/etc/resolv.conf").read(), socket.gethostbyname("somewhere.test")]))
"""


@pytest.fixture(params=TOOL_NAMES)
def tools(request: pytest.FixtureRequest) -> tuple[InternetTool, ...]:
    return chosen_tool(request.param)


@pytest.fixture
def spec(tmp_path: Path) -> InstanceSpec:
    spec = replace(training_spec(tmp_path, ""), network="internet")
    spec.instance.folder.mkdir(parents=True)
    return spec


@pytest.fixture
def make(spec: InstanceSpec) -> Iterator[Callable[..., JobNetwork]]:
    """``make(tools)`` returns the network of a job with the internet."""
    made: list[JobNetwork] = []

    def make_one(tools: tuple[InternetTool, ...], name: str = "one") -> JobNetwork:
        folder = spec.instance.folder.with_name(name)
        folder.mkdir(exist_ok=True)
        made.append(make_job_network(replace(spec, instance=replace(spec.instance, folder=folder)), tools))
        assert made[-1].message is None
        return made[-1]

    yield make_one
    for network in made:
        network.close()


@pytest.fixture
def network(make: Callable[..., JobNetwork], tools: tuple[InternetTool, ...]) -> JobNetwork:
    return make(tools)


def test_the_outside_is_reached_and_the_machine_is_not(network: JobNetwork, tmp_path: Path) -> None:
    with outside_network() as outside, machine_listener() as port:
        reached = reached_in(network, network_sandbox(tmp_path), outside, (MACHINE_ADDRESS, port))
    assert reached[0] == ("outside", "outside")
    assert reached[1] == ("ConnectionRefusedError", "ConnectionRefusedError")


def test_without_its_routes_a_program_would_reach_the_machine(
    network: JobNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests of refused addresses can fail."""
    monkeypatch.setattr(job_network, "unreachable_networks", lambda _: ())
    with outside_network(), machine_listener() as port:
        reached = reached_in(network, network_sandbox(tmp_path), (MACHINE_ADDRESS, port))
    assert reached == [("machine", "machine")]


def test_no_address_of_the_machine_is_reached(
    network: JobNetwork, tools: tuple[InternetTool, ...], tmp_path: Path
) -> None:
    """A program may name its interface, so that Linux tries it where it finds no route.

    slirp4netns answers for the machine's loopback at its second address, and for its name server at its third.
    """
    tool = [str(address) for name in tools[0].own_networks for address in list(ip_network(name).hosts())[1:3]]
    own = [address.partition("/")[0] for address in host_networks()]
    with machine_listener() as port, socket.create_server(("127.0.0.1", 0)) as loopback:
        addresses = ("127.0.0.1", "127.0.0.53", "::1", "::ffff:127.0.0.1", "0.0.0.0", *tool, *own)
        places = [(address, port) for address in addresses]
        places += [(address, loopback.getsockname()[1]) for address in ("127.0.0.1", *tool)]
        places += [(f"{address}%", port) for address in link_local_addresses()]
        reached = reached_in(network, network_sandbox(tmp_path), *places)
        loopback.setblocking(False)
        with pytest.raises(BlockingIOError):
            loopback.accept()
    assert [found for pair in reached for found in pair if found not in REFUSED] == []
    assert [plain for plain, _ in reached[-len(link_local_addresses()) :] if plain != "ConnectionRefusedError"] == []


def test_metadata_addresses_are_refused_at_once(network: JobNetwork, tmp_path: Path) -> None:
    """A route of the network itself answers; without it, the question would go out."""
    places = METADATA if Path("/proc/net/if_inet6").exists() else METADATA[:2]
    reached = reached_in(network, network_sandbox(tmp_path), *places)
    assert set(reached) == {("ConnectionRefusedError", "ConnectionRefusedError")}


def test_another_jobs_network_is_not_reached(
    make: Callable[..., JobNetwork], tools: tuple[InternetTool, ...], tmp_path: Path
) -> None:
    """One job's program listens on all of its addresses while the other one's tries them."""
    first, second = make(tools, "first"), make(tools, "second")
    answers: list[str] = []
    code = """if True:
        import socket, sys
        with socket.create_server(("0.0.0.0", 23457)) as listener:
            socket.create_connection(("127.0.0.1", int(sys.argv[1]))).recv(1)
    """
    with socket.create_server(("127.0.0.1", 0)) as gateway:
        first.gateway = gateway.getsockname()
        words = (sys.executable, "-c", code, str(first.own.gateway_port if first.own else 0))
        thread = threading.Thread(
            target=lambda: answers.append(output_in(first, network_sandbox(tmp_path / "a"), words))
        )
        thread.start()
        ready, _ = gateway.accept()
        own = [address.partition("/")[0] for address in host_networks() if ":" not in address]
        places = [(address, 23457) for address in ("127.0.0.1", *("10.0.2.100",)[: len(tools[0].own_networks)], *own)]
        reached = reached_in(second, network_sandbox(tmp_path / "b"), *places)
        ready.close()
        thread.join()
    assert answers == [""]
    assert [found for pair in reached for found in pair if found not in REFUSED] == []


def test_names_are_resolved_by_a_name_server_on_the_machines_loopback(
    spec: InstanceSpec, tools: tuple[InternetTool, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as systemd-resolved's 127.0.0.53, which no program's network has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        threading.Thread(target=answer_names, args=(server,), daemon=True).start()
        monkeypatch.setattr(job_network, "PORT", server.getsockname()[1])
        servers = NameServers(("127.0.0.1",), "nameserver 127.0.53.1\nsearch here.test\n")
        monkeypatch.setattr(job_network, "read_name_servers", lambda: servers)
        network = make_job_network(spec, tools)
        try:
            resolv_conf, address = json.loads(
                output_in(network, network_sandbox(tmp_path), (sys.executable, "-c", RESOLVE))
            )
        finally:
            network.close()
    assert resolv_conf == "nameserver 127.0.53.1\nsearch here.test\n"
    assert address == "192.0.2.77"


def answer_names(server: socket.socket) -> None:
    """Answers one question with the address 192.0.2.77."""
    question, caller = server.recvfrom(512)
    end = question.index(b"\0", 12) + 5
    header = question[:2] + bytes.fromhex("8180 0001 0001 0000 0000")
    answer = bytes.fromhex("c00c 0001 0001 0000003c 0004") + socket.inet_aton("192.0.2.77")
    server.sendto(header + question[12:end] + answer, caller)


def link_local_addresses() -> list[str]:
    """Returns the machine's own link-local addresses."""
    file = Path("/proc/net/if_inet6")
    rows = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    return [socket.inet_ntop(socket.AF_INET6, bytes.fromhex(row[0])) for row in rows if row[3] == "20"]
