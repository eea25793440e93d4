"""Programs in a network of their own, with what they reach there, and listeners of the machine that they must not reach."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from naiad.service.jobs.agent.job_network import JobNetwork
from naiad.service.walls.internet_tools import INTERNET_TOOLS, TUN, InternetTool, installed_internet_tools
from naiad.service.walls.sandbox import Sandbox, SandboxOptions, make_sandbox
from naiad.service.walls.start import start_program

Place = tuple[str, int]
REFUSED = ("ConnectionRefusedError", "TimeoutError", "OSError")
"""Errors that a program gets in the place of an answer."""
_REACH = """if True:
    import json, socket, sys
    interface = [*(name for _, name in socket.if_nameindex() if name != "lo"), "lo"][0]
    def reach(host, port, is_bound):
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host.replace("%", "%" + interface), port)[0]
            with socket.socket(family, socket.SOCK_STREAM) as connection:
                connection.settimeout(1)
                if is_bound:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\\0")
                connection.connect(address)
                return connection.recv(100).decode()
        except OSError as error:
            return type(error).__name__
    print(json.dumps([reach(*place, is_bound) for place in json.loads(sys.argv[1]) for is_bound in (False, True)]))
"""


def chosen_tool(name: str) -> tuple[InternetTool, ...]:
    """Returns the tool with its variants; the test is skipped where it is not installed."""
    tools = tuple(tool for tool in installed_internet_tools() if tool.name == name)
    if not tools and os.access(TUN, os.R_OK | os.W_OK):
        pytest.skip(f"{name} is not installed")
    if not tools:
        pytest.skip(f"{TUN}, which {name} needs, cannot be opened")
    return tools


TOOL_NAMES = tuple(dict.fromkeys(tool.name for tool in INTERNET_TOOLS))


def network_sandbox(folder: Path) -> Sandbox:
    for name in ("ml/code", "tmp", "work"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return make_sandbox(folder, folder / "state", SandboxOptions("algo-1", ["algo-1"]))


def output_in(network: JobNetwork, sandbox: Sandbox, words: Sequence[str]) -> str:
    """Returns what a program prints that runs in the network, as an agent starts it."""
    request = sandbox.request(words, {}, network=network.own)
    channel, inner = socket.socketpair()
    with channel, inner:
        process = start_program(request, stdout=subprocess.PIPE, channel=inner.fileno())
        inner.close()
        network.set_up(channel)
        output = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 0, output
    return output


def reached_in(network: JobNetwork, sandbox: Sandbox, *places: Place) -> list[tuple[str, str]]:
    """Returns for each place what a program reads there: by a plain socket, and by one that is bound to the interface."""
    found = json.loads(output_in(network, sandbox, (sys.executable, "-c", _REACH, json.dumps(places))))
    return list(zip(found[::2], found[1::2], strict=True))


@contextlib.contextmanager
def machine_listener() -> Iterator[int]:
    """Answers ``machine`` at a port of every address of the machine. Yields the port."""
    has_ipv6 = Path("/proc/net/if_inet6").exists()
    family, host = (socket.AF_INET6, "::") if has_ipv6 else (socket.AF_INET, "")
    with socket.create_server((host, 0), family=family, dualstack_ipv6=has_ipv6) as listener:
        threading.Thread(target=_answer, args=(listener, b"machine"), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _answer(listener: socket.socket, text: bytes) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.sendall(text)
