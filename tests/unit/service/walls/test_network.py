"""A program's own network, with a gateway of the test's own outside."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from naiad.service.walls.datagram_forwarder import DatagramForwarder
from naiad.service.walls.forwarder import Forwarder
from naiad.service.walls.name_servers import PORT
from naiad.service.walls.network import OwnNetwork, confirm_network, receive_sockets
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


def run(sandbox: Sandbox, network: OwnNetwork, target: int, *places: str, code: str = CODE) -> Any:
    """Returns what a program with its own network prints. The gateway and the name servers are at the target."""
    request = sandbox.request((sys.executable, "-c", code, *places), {}, network=network)
    channel, inner = socket.socketpair()
    with channel, inner:
        process = start_program(request, stdout=subprocess.PIPE, channel=inner.fileno())
        inner.close()
        sockets = receive_sockets(channel, timeout_s=30)
        assert sockets is not None
        forwarders: list[Forwarder | DatagramForwarder] = [Forwarder(sockets.gateway, ("127.0.0.1", target))]
        for datagrams, listener in sockets.name_servers:
            forwarders += (
                DatagramForwarder(datagrams, ("127.0.0.1", target)),
                Forwarder(listener, ("127.0.0.1", target)),
            )
        confirm_network(channel, ())
        output = process.communicate(timeout=60)[0].decode()
        for forwarder in forwarders:
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


def test_a_program_asks_the_machines_name_servers(isolated: Sandbox) -> None:
    """Each at an address of its own, by datagrams and by connections, and it sees no other resolv.conf."""
    code = f"""if True:
        import socket
        for address in ("127.0.53.1", "127.0.53.2"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
                datagrams.settimeout(30)
                datagrams.sendto(b"question", (address, {PORT}))
                print(*datagrams.recvfrom(100))
        with socket.create_connection(("127.0.53.2", {PORT})) as connection:
            print(connection.recv(100))
        print(open("/etc/resolv.conf").read())
    """
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(listener.getsockname())

        def answer() -> None:
            for _ in range(2):
                question, caller = datagrams.recvfrom(100)
                datagrams.sendto(b"answer to " + question, caller)
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"answer")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        network = OwnNetwork(1024, name_servers=("127.0.53.1", "127.0.53.2"), resolv_conf="nameserver 127.0.53.1")
        output = run(isolated, network, listener.getsockname()[1], code=code)
        thread.join()
    assert output.splitlines() == [
        "b'answer to question' ('127.0.53.1', 53)",
        "b'answer to question' ('127.0.53.2', 53)",
        "b'answer'",
        "nameserver 127.0.53.1",
    ]


def test_a_program_whose_agent_sets_up_nothing_does_not_start(isolated: Sandbox) -> None:
    request = isolated.request(("/bin/echo", "ran"), {}, network=OwnNetwork(1024))
    channel, inner = socket.socketpair()
    with inner:
        process = start_program(request, stdout=subprocess.PIPE, channel=inner.fileno())
    channel.close()
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 1
    assert b"ran" not in output
