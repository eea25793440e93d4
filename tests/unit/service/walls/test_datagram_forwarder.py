"""Datagrams that a forwarder passes on, and answers that it brings back."""

import socket
import threading
from collections.abc import Iterator

import pytest

from naiad.service.walls.datagram_forwarder import DatagramForwarder


def bound_socket() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    opened.settimeout(30)
    return opened


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with bound_socket() as server:
        yield server


def test_each_caller_gets_its_own_answer(server: socket.socket) -> None:
    """More callers than questions are kept: the oldest of those that nobody answers make room."""
    listener = bound_socket()
    place = listener.getsockname()
    forwarder = DatagramForwarder(listener, server.getsockname())
    with bound_socket() as silent:
        for number in range(300):
            silent.sendto(b"silent %d" % number, place)
            server.recvfrom(100)
    callers = [bound_socket() for _ in range(5)]
    for number, caller in enumerate(callers):
        caller.sendto(b"%d" % number, place)
    for _ in callers:
        question, address = server.recvfrom(100)
        server.sendto(b"answer " + question, address)
    assert [caller.recv(100) for caller in callers] == [b"answer %d" % number for number in range(5)]
    assert len(forwarder._questions) <= 256
    for caller in callers:
        caller.close()
    forwarder.close()


def test_a_server_that_is_away_does_not_end_it(server: socket.socket) -> None:
    listener = bound_socket()
    with bound_socket() as away, bound_socket() as caller:
        place = away.getsockname()
        away.close()
        forwarder = DatagramForwarder(listener, place)
        caller.sendto(b"lost", listener.getsockname())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
            back.bind(place)
            back.settimeout(30)
            caller.sendto(b"found", listener.getsockname())
            question = b"lost"
            while question == b"lost":
                question, address = back.recvfrom(100)
            back.sendto(b"answer", address)
        assert caller.recv(100) == b"answer"
        forwarder.close()


def test_it_ends_when_it_is_closed(server: socket.socket) -> None:
    listener = bound_socket()
    forwarder = DatagramForwarder(listener, server.getsockname())
    forwarder.close()
    assert listener.fileno() == -1
    assert not [thread for thread in threading.enumerate() if thread.name == "datagrams"]
