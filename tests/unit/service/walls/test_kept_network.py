"""Networks that a process of their own keeps: who ends them, and which tool they get."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from agent_runs import wait_until
from network_programs import TOOL_NAMES, chosen_tool

from naiad.service.walls.internet_tools import INTERNET_TOOLS, InternetTool
from naiad.service.walls.kept_network import KeptNetwork, keep_network, try_tool
from naiad.service.walls.support import find_wall_support

pytestmark = pytest.mark.skipif(not find_wall_support().has_network, reason="networks of programs' own are not allowed")
HAS_USER_NAMESPACE = find_wall_support().user_id is None
AGENT = """if True:
    import io
    import pyarrow.csv
    files = [open("/dev/null") for _ in range(9)]
    pyarrow.csv.read_csv(io.BytesIO(b"a\\n1\\n"))  # it has files of its own, and aborts where it forks without them
    import sys
    from pathlib import Path
    from naiad.service.walls.internet_tools import INTERNET_TOOLS
    from naiad.service.walls.kept_network import keep_network
    tools = tuple(tool for tool in INTERNET_TOOLS if tool.name == sys.argv[2])
    network = keep_network(Path(sys.argv[1]), tools, has_user_namespace=sys.argv[3] == "True")
    print(network.namespaces[-1].split("/")[2], flush=True)
    sys.stdin.readline()
"""
FAILS = "#!/bin/sh\necho pasta: no interface >&2\nexit 1\n"
HANGS = "#!/bin/sh\nexec sleep 600\n"
WORKS = """#!/bin/sh
for word; do case $word in --ready-fd=*) descriptor=${word#*=} ;; esac; done
eval "echo 1 >&$descriptor"
exec sleep 600
"""

Keep = Callable[..., KeptNetwork]


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Keep]:
    kept: list[KeptNetwork] = []

    def keep_one(tools: tuple[InternetTool, ...] = (), attach_timeout_s: float = 10.0) -> KeptNetwork:
        network = keep_network(
            tmp_path, tools, has_user_namespace=HAS_USER_NAMESPACE, attach_timeout_s=attach_timeout_s
        )
        kept.append(network)
        return network

    yield keep_one
    for network in kept:
        network.close()


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``fake(pasta=…, slirp4netns=…)`` puts scripts in the place of the tools."""

    def fake_tools(**scripts: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, text in scripts.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    return fake_tools


def keeper_of(network: KeptNetwork) -> psutil.Process:
    return psutil.Process(int(network.namespaces[-1].split("/")[2]))


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_network_ends_with_its_last_user(keep: Keep, tmp_path: Path) -> None:
    first, second = keep(), keep()
    keeper = keeper_of(first)
    assert second.namespaces == first.namespaces
    first.close()
    third = keep()
    assert third.namespaces == first.namespaces
    second.close()
    assert not has_ended(keeper)
    third.close()
    wait_until(lambda: has_ended(keeper))
    assert not (tmp_path / "network.json").exists()


def test_the_one_who_made_it_waits_for_its_end(keep: Keep) -> None:
    first, second = keep(), keep()
    keeper = keeper_of(first)
    second.close()
    first.close()
    assert has_ended(keeper)


def test_a_network_that_has_ended_is_made_anew(keep: Keep) -> None:
    first = keep()
    first.close()
    second = keep()
    assert second.namespaces != first.namespaces
    second.close()


def test_a_signal_to_end_does_not_end_it(keep: Keep) -> None:
    """Its tool would be left alone: only the last user ends it."""
    network = keep()
    keeper_of(network).send_signal(signal.SIGTERM)
    assert keep().namespaces == network.namespaces


def test_the_next_tool_is_taken_where_one_fails(keep: Keep, fake: Callable[..., None]) -> None:
    fake(pasta=FAILS, slirp4netns=WORKS)
    network = keep(INTERNET_TOOLS)
    assert network.tool is not None
    assert (network.tool.name, network.problems) == ("slirp4netns", ("pasta: no interface",))
    (tool,) = keeper_of(network).children()
    network.close()
    assert has_ended(tool)


def test_a_tool_that_hangs_is_ended(keep: Keep, fake: Callable[..., None]) -> None:
    fake(pasta=HANGS, slirp4netns=FAILS)
    network = keep(INTERNET_TOOLS, attach_timeout_s=0.3)
    assert network.tool is None
    assert network.problems[0] == "pasta: it did not attach within 0.3 s"
    assert keeper_of(network).children() == []
    network.close()


@pytest.mark.parametrize("name", TOOL_NAMES)
def test_a_tool_that_works_here(name: str) -> None:
    chosen_tool(name)
    assert try_tool(name, has_user_namespace=HAS_USER_NAMESPACE) is None


def test_a_tool_that_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert try_tool("pasta", has_user_namespace=HAS_USER_NAMESPACE) in (
        "not installed",
        "/dev/net/tun cannot be opened",
    )


@pytest.mark.parametrize("name", TOOL_NAMES)
@pytest.mark.parametrize("victim", ["agent", "keeper"])
def test_nothing_survives_a_killed_process(name: str, victim: str, tmp_path: Path) -> None:
    chosen_tool(name)
    words = [sys.executable, "-c", AGENT, str(tmp_path), name, str(HAS_USER_NAMESPACE)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None
        keeper = psutil.Process(int(agent.stdout.readline()))
        (tool,) = keeper.children()
        (agent if victim == "agent" else keeper).send_signal(signal.SIGKILL)
        wait_until(lambda: has_ended(keeper) and has_ended(tool))
        agent.kill()
