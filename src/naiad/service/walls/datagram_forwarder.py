"""Passes the datagrams of a program's own network on to one server, such as a name server, and its answers back."""

import contextlib
import selectors
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any

_MAX_QUESTIONS = 256
"""Further questions take the place of the oldest: whoever asks repeats what is not answered."""
_MAX_BYTES = 65_535
_ANSWER_TIMEOUT_S = 10.0


@dataclass
class DatagramForwarder:
    """Answers on ``listener`` until ``close``. It has a thread of its own, and a socket for each open question."""

    listener: socket.socket
    target: tuple[str, int]
    _questions: dict[socket.socket, tuple[Any, float]] = field(default_factory=dict)
    """Who asked, and when, by the socket at which the answer comes; the oldest first."""
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def __post_init__(self) -> None:
        self._closed, self._is_closing = socket.socketpair()
        self._selector.register(self.listener, selectors.EVENT_READ)
        self._selector.register(self._closed, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="datagrams", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._is_closing.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            ready = {key.fileobj for key, _ in self._selector.select()}
            if self._closed in ready:
                break
            for each in ready:
                assert isinstance(each, socket.socket)
                if each is self.listener:
                    self._ask(each)
                elif each in self._questions:
                    self._answer(each)
        for each in (*self._questions, self.listener, self._closed):
            each.close()
        self._selector.close()

    def _ask(self, listener: socket.socket) -> None:
        now = time.monotonic()
        for old, (_, asked_at_s) in list(self._questions.items()):
            if now - asked_at_s > _ANSWER_TIMEOUT_S or len(self._questions) >= _MAX_QUESTIONS:
                self._forget(old)
        try:
            question, caller = listener.recvfrom(_MAX_BYTES)
            outer = _send(question, self.target)
        except OSError:  # the server is away: the question stays without an answer
            return
        self._questions[outer] = (caller, now)
        self._selector.register(outer, selectors.EVENT_READ)

    def _answer(self, outer: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self.listener.sendto(outer.recv(_MAX_BYTES), self._questions[outer][0])
        self._forget(outer)

    def _forget(self, outer: socket.socket) -> None:
        del self._questions[outer]
        self._selector.unregister(outer)
        outer.close()


def _send(question: bytes, target: tuple[str, int]) -> socket.socket:
    """Returns the socket at which the answer will come. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        *target, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
    )[0]
    outer = socket.socket(family, kind, protocol)
    try:
        outer.connect(address)
        outer.send(question)
    except OSError:
        outer.close()
        raise
    return outer
