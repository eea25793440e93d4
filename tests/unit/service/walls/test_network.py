"""A program's own network, with a gateway of the test's own outside."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from naiad.service.walls.forwarder import Forwarder
from naiad.service.walls.network import OwnNetwork, confirm_network, receive_listener
from naiad.service.walls.sandbox import Sandbox
from naiad.service.walls.start import start_program
from naiad.service.walls.support import find_wall_support

CODE = """if True:
    import socket, sys
    def reach(host, port):
        try:
            with socket.create_connection((host, int(port)), timeout=5) as connection:
                connection.sendall(b"hello" * 100_000)
                connection.shutdown(socket.SHUT_WR)
                return sum(len(block) for block in iter(lambda: connection.recv(65536), b""))
        except OSError as error:
            return type(error).__name__
    print([reach(*place.split(":")) for place in sys.argv[1:]])
"""


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    while data := connection.recv(65536):
                        connection.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def isolated(sandbox: Sandbox) -> Sandbox:
    if not find_wall_support().has_network:
        pytest.skip("networks of programs' own are not allowed here")
    return sandbox


def run(sandbox: Sandbox, network: OwnNetwork, target: int, *places: str, unreachable: tuple[str, ...] = ()) -> Any:
    """Returns what a program with its own network reaches at each place."""
    request = sandbox.request((sys.executable, "-c", CODE, *places), {}, network=network)
    channel, inner = socket.socketpair()
    with channel, inner:
        process = start_program(request, stdout=subprocess.PIPE, channel=inner.fileno())
        inner.close()
        listener = receive_listener(channel, timeout_s=30)
        assert listener is not None
        forwarder = Forwarder(listener, ("127.0.0.1", target))
        confirm_network(channel, unreachable)
        output = process.communicate(timeout=60)[0].decode()
        forwarder.close()
    assert process.returncode == 0, output
    return output.strip()


def test_a_program_reaches_the_gateway_and_nothing_else(isolated: Sandbox, echo: int) -> None:
    """Bytes pass whole, in both directions."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        places = (f"127.0.0.1:{echo}", f"127.0.0.1:{other.getsockname()[1]}", "169.254.169.254:80")
        reached = run(isolated, OwnNetwork(echo), echo, *places)
    assert reached == "[500000, 'ConnectionRefusedError', 'OSError']"


def test_a_gateway_that_is_away_closes_the_connection(isolated: Sandbox) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        reached = run(isolated, OwnNetwork(port), port, f"127.0.0.1:{port}")
    assert reached in ("[0]", "['ConnectionResetError']", "['BrokenPipeError']", "['OSError']")


def test_addresses_that_must_not_be_reached(isolated: Sandbox, echo: int) -> None:
    """A route refuses them, whatever way into the internet there is."""
    networks = ("169.254.0.0/16", "10.1.2.3/32", "fd00:ec2::254/128")
    places = ("169.254.169.254:80", "10.1.2.3:80", f"127.0.0.1:{echo}")
    assert run(isolated, OwnNetwork(echo), echo, *places, unreachable=networks) == "['OSError', 'OSError', 500000]"


def test_a_program_whose_agent_sets_up_nothing_does_not_start(isolated: Sandbox) -> None:
    request = isolated.request(("/bin/echo", "ran"), {}, network=OwnNetwork(1024))
    channel, inner = socket.socketpair()
    with inner:
        process = start_program(request, stdout=subprocess.PIPE, channel=inner.fileno())
    channel.close()
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 1
    assert b"ran" not in output
