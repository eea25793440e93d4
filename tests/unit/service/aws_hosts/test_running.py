"""It starts, and lets go of everything."""

import socket
import threading
from urllib.parse import urlsplit

import pytest


def ended(connection):
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def test_open_connections_end_with_it(start, echo):
    running = start()
    with running.connected(f"127.0.0.1:{echo}") as tunnel, running.secured("iam.amazonaws.com") as ours:
        running.end()
        assert tunnel.recv(100) == b""
        assert ended(ours)
    assert "aws-hosts" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(running.hosts.proxy_url).port), timeout=5)
