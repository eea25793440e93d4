"""The network that a program gets: what was asked for, what this machine allows, and where the job's instances are."""

import errno
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agent_runs import training_spec

from naiad.service.domain.errors import Invalid
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent import job_network
from naiad.service.jobs.agent.job_network import JobNetwork, make_job_network
from naiad.service.walls.internet_tools import INTERNET_TOOLS
from naiad.service.walls.support import find_wall_support

needs_networks = pytest.mark.skipif(
    not find_wall_support().has_network, reason="networks of programs' own are not allowed here"
)
TWO = ("algo-1", "algo-2")
ISOLATED = {"EnableNetworkIsolation": True}
ELSEWHERE = "the instances of this job run on several machines"


@pytest.fixture
def spec(tmp_path: Path) -> Callable[..., InstanceSpec]:
    """``spec(index, more={…}, **fields)`` returns the spec of an instance whose folder is there."""

    def make(index: int = 0, more: dict[str, Any] | None = None, **fields: Any) -> InstanceSpec:
        found = replace(training_spec(tmp_path, "", more=more), **fields)
        folder = found.instance.folder.with_name(f"algo-{index + 1}")
        folder.mkdir(parents=True, exist_ok=True)
        return replace(found, instance=replace(found.instance, index=index, folder=folder))

    return make


@pytest.fixture
def make() -> Iterator[Callable[..., JobNetwork]]:
    made: list[JobNetwork] = []

    def make_one(spec: InstanceSpec, tools: Any = ()) -> JobNetwork:
        made.append(make_job_network(spec, tools))
        return made[-1]

    yield make_one
    for network in reversed(made):
        network.close()


def test_a_server_may_share_the_machines_network(spec: Callable[..., InstanceSpec], make: Any) -> None:
    network = make(spec(network="host"))
    assert (network.own, network.message) == (None, None)


def test_without_a_tool_the_machines_network_is_shared_and_said(spec: Callable[..., InstanceSpec], make: Any) -> None:
    network = make(spec(network="internet"))
    assert network.own is None
    assert network.message == (
        "neither pasta nor slirp4netns can be used here: the program shares the machine's network, with its other ports"
    )


@needs_networks
def test_a_tool_that_fails_opens_nothing(
    spec: Callable[..., InstanceSpec], make: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else a program could slow the machine down, to get its next job into the machine's network."""
    (tmp_path / "pasta").write_text("#!/bin/sh\necho no interface >&2\nexit 1\n")
    (tmp_path / "pasta").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    network = make(spec(network="internet"), INTERNET_TOOLS[:1])
    assert network.own is not None
    assert network.message == "the program has no internet: pasta: no interface"


@pytest.mark.skipif(not find_wall_support().has_namespaces, reason="namespaces are not allowed here")
def test_a_machine_without_networks_shares_its_own(
    spec: Callable[..., InstanceSpec], make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(job_network, "keep_network", refuse)
    reason = "networks of programs' own are not allowed here (Operation not permitted)"
    network = make(spec(network="none"))
    assert network.own is None
    assert network.message == f"{reason}: the program shares the machine's network, with its other ports"
    with pytest.raises(Invalid, match=r"^EnableNetworkIsolation cannot be kept here: networks .*; leave it out$"):
        make(spec(more=ISOLATED))


@pytest.mark.skipif(not find_wall_support().has_namespaces, reason="namespaces are not allowed here")
def test_a_lack_of_memory_opens_nothing(
    spec: Callable[..., InstanceSpec], make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(job_network, "keep_network", fail)
    with pytest.raises(OSError, match="Cannot allocate memory"):
        make(spec(network="none"))


@needs_networks
@pytest.mark.parametrize("more", [{}, ISOLATED, {"NetworkConfig": ISOLATED}])
def test_one_isolated_instance_has_a_network_of_its_own(
    spec: Callable[..., InstanceSpec], make: Any, more: dict[str, Any]
) -> None:
    network = make(spec(network="host" if more else "none", more=more))
    assert network.own is not None
    assert network.own.name_servers == ()
    assert network.message is None


@needs_networks
@pytest.mark.parametrize("node_hosts", [(), TWO])
def test_instances_on_one_machine_share_one_network(
    spec: Callable[..., InstanceSpec], make: Any, node_hosts: tuple[str, ...]
) -> None:
    first, second = (
        make(spec(index, network="none", hosts=TWO, node_hosts=node_hosts)).own.namespaces for index in range(2)
    )
    assert first == second != ()


@pytest.mark.parametrize("network", ["internet", "none"])
@pytest.mark.parametrize("node_hosts", [("algo-1",), ("algo-1", "algo-2")])
def test_instances_on_several_machines_share_the_machines_networks(
    spec: Callable[..., InstanceSpec], make: Any, network: str, node_hosts: tuple[str, ...]
) -> None:
    """Two of three may be on one machine: they have to find the third."""
    found = make(spec(network=network, hosts=(*TWO, "algo-3"), node_hosts=node_hosts), INTERNET_TOOLS)
    assert found.own is None
    assert found.message == f"{ELSEWHERE}: the program shares the machine's network, with its other ports"


def test_isolation_over_several_machines_is_refused(spec: Callable[..., InstanceSpec], make: Any) -> None:
    with pytest.raises(Invalid, match=f"^EnableNetworkIsolation cannot be kept here: {ELSEWHERE}; leave it out$"):
        make(spec(more=ISOLATED, hosts=TWO, node_hosts=("algo-1",)))
