"""A server's life, in this process: it ends by the signal that a person would send."""

import os
import signal
import socket
import urllib.request
from pathlib import Path

import pytest

from naiad.errors import FolderError, OptionError
from naiad.home import ServerAddress, read_address
from naiad.service.compose import Settings
from naiad.service.run import serve


def settings(folder: Path, *, port: int = 0, host: str = "127.0.0.1") -> Settings:
    return Settings(folder, host=host, port=port, warm=False, aws_hosts_port=None)


def served(given: Settings, number: int = signal.SIGTERM) -> ServerAddress:
    """It was ready, and ended when it was told to."""
    found: list[ServerAddress] = []

    def ready(address: ServerAddress) -> None:
        found.append(address)
        os.kill(os.getpid(), number)

    serve(given, ready=ready)
    return found[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end(tmp_path: Path, number: int) -> None:
    before = signal.getsignal(number)
    address = served(settings(tmp_path), number)
    assert read_address(tmp_path) == address
    assert signal.getsignal(number) == before
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{address.url}/ping", timeout=5)


def test_a_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    first, second = served(settings(tmp_path)), served(settings(tmp_path))
    assert (first.access_key, first.secret_key) == (second.access_key, second.secret_key)


def test_a_second_server_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    def ready(address: ServerAddress) -> None:
        try:
            with pytest.raises(FolderError, match=address.url):
                serve(settings(tmp_path), ready=lambda _: None)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    serve(settings(tmp_path), ready=ready)


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OptionError, match=f"127.0.0.1:{port} cannot be listened on"):
            serve(settings(tmp_path, port=port), ready=lambda _: None)
    assert not (tmp_path / "keys.json").exists()


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("localhost", "localhost")])
def test_the_address_is_one_that_a_client_here_can_use(tmp_path: Path, host: str, shown: str) -> None:
    address = served(settings(tmp_path, host=host))
    assert address.url.startswith(f"http://{shown}:")
