"""The worker's side of its pulse: a thread of its own, which answers while the model is at work."""

import contextlib
import socket
import threading


def answer_pulse(descriptor: int) -> threading.Thread:
    """Until the server's end is closed."""
    thread = threading.Thread(target=_answer, args=(socket.socket(fileno=descriptor),), name="pulse", daemon=True)
    thread.start()
    return thread


def _answer(link: socket.socket) -> None:
    with link, contextlib.suppress(OSError):
        while asked := link.recv(64):
            link.sendall(asked)
