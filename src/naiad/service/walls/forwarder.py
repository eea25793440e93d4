"""Passes the connections of a program's own network on to the gateway."""

import contextlib
import socket
import threading

_MAX_CONNECTIONS = 256
"""Further connections wait. A program may open as many as it likes."""
_BLOCK_BYTES = 2**18
_CONNECT_TIMEOUT_S = 10.0


class Forwarder:
    """Accepts on ``listener`` until ``close``, and connects each caller to ``target``. It has threads of its own."""

    def __init__(self, listener: socket.socket, target: tuple[str, int]) -> None:
        self._listener, self._target = listener, target
        self._free = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        threading.Thread(target=self._accept, name="forwarder", daemon=True).start()

    def close(self) -> None:
        """Takes no more connections. Open ones end with the program."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            self._free.acquire()
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        try:
            with caller, socket.create_connection(self._target, timeout=_CONNECT_TIMEOUT_S) as gateway:
                gateway.settimeout(None)
                for each in (caller, gateway):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                answers = threading.Thread(target=_copy, args=(gateway, caller), daemon=True)
                answers.start()
                _copy(caller, gateway)
                answers.join()
        except OSError:  # the gateway is away: the caller's connection is closed
            return
        finally:
            self._free.release()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copies until the source ends, and ends the target's direction then. A broken connection breaks the other."""
    buffer = memoryview(bytearray(_BLOCK_BYTES))
    try:
        while count := source.recv_into(buffer):
            target.sendall(buffer[:count])
    except OSError:
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
    else:
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
