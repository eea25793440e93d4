"""The proxy's thread starts, and closes everything at its end."""

import socket
import threading
from urllib.parse import urlsplit

import pytest


def has_ended(connection):
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def test_open_connections_end_with_the_proxy(start, echo):
    running = start()
    with running.connect(f"127.0.0.1:{echo}") as tunnel, running.connect_tls("iam.amazonaws.com") as ours:
        running.end()
        assert tunnel.recv(100) == b""
        assert has_ended(ours)
    assert "aws-hosts" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(running.hosts.proxy_url).port), timeout=5)
