"""The life of a server, in this process. It ends by the signal that a person would send."""

import os
import signal
import socket
import threading
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from naiad.errors import FolderError, OptionError
from naiad.home import ServerAddress, read_address
from naiad.service.compose import Settings
from naiad.service.run import serve


def settings(folder: Path, *, port: int = 0, host: str = "127.0.0.1") -> Settings:
    return Settings(folder, host=host, port=port, warm=False, aws_hosts_port=None)


def serve_once(chosen: Settings, number: int = signal.SIGTERM) -> ServerAddress:
    """Serves until the server is ready, sends the signal, and returns the address when the server has ended."""
    addresses: list[ServerAddress] = []

    def ready(address: ServerAddress) -> None:
        addresses.append(address)
        os.kill(os.getpid(), number)

    serve(chosen, ready=ready)
    return addresses[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_serves_until_a_signal(tmp_path: Path, number: int) -> None:
    before = signal.getsignal(number)
    address = serve_once(settings(tmp_path), number)
    assert read_address(tmp_path) == address
    assert signal.getsignal(number) == before
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{address.url}/ping", timeout=5)


def test_the_folder_can_be_served_again(tmp_path: Path) -> None:
    first, second = serve_once(settings(tmp_path)), serve_once(settings(tmp_path))
    assert (first.access_key, first.secret_key) == (second.access_key, second.secret_key)


def test_a_second_server_names_the_first_one(tmp_path: Path) -> None:
    def ready(address: ServerAddress) -> None:
        try:
            with pytest.raises(FolderError, match=address.url):
                serve(settings(tmp_path), ready=lambda _: None)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    serve(settings(tmp_path), ready=ready)


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OptionError, match=f"the server cannot listen on 127.0.0.1:{port}"):
            serve(settings(tmp_path, port=port), ready=lambda _: None)
    assert not (tmp_path / "keys.json").exists()


def test_the_port_that_the_proxy_had_last_time(tmp_path: Path) -> None:
    """The server has it, and the proxy takes another."""
    first = serve_once(replace(settings(tmp_path), aws_hosts_port=0))
    assert first.proxy_url is not None
    port = int(first.proxy_url.rpartition(":")[2])
    found: list[tuple[str | None, int]] = []

    def ask(address: ServerAddress) -> None:
        try:
            with urllib.request.urlopen(f"{address.url}/ping", timeout=5) as answer:
                found.append((address.proxy_url, answer.status))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def ready(address: ServerAddress) -> None:
        threading.Thread(target=ask, args=(address,)).start()

    serve(replace(settings(tmp_path, port=port), aws_hosts_port=0), ready=ready)
    assert [status for _, status in found] == [200]
    assert found[0][0] not in (first.proxy_url, None)


@pytest.mark.parametrize(("host", "client_host"), [("0.0.0.0", "127.0.0.1"), ("localhost", "localhost")])
def test_the_address_is_one_that_a_client_on_this_machine_can_use(tmp_path: Path, host: str, client_host: str) -> None:
    address = serve_once(settings(tmp_path, host=host))
    assert address.url.startswith(f"http://{client_host}:")
