"""Worker's side of the heartbeat: a thread that answers while the model is at work."""

import contextlib
import socket
import threading


def answer_heartbeats(descriptor: int) -> threading.Thread:
    """Starts the thread. It runs until the server's end is closed. descriptor: of a socket."""
    thread = threading.Thread(target=_answer, args=(socket.socket(fileno=descriptor),), name="heartbeat", daemon=True)
    thread.start()
    return thread


def _answer(heartbeat: socket.socket) -> None:
    with heartbeat, contextlib.suppress(OSError):
        while data := heartbeat.recv(64):
            heartbeat.sendall(data)
