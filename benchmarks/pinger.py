"""Pings to a server, one after another over one connection, from a thread of its own."""

import http.client
import socket
import threading
import time
from urllib.parse import urlsplit

TIMEOUT_S = 120.0


class Pinger:
    """Pings without pause from its creation until ``stop``."""

    def __init__(self, url: str) -> None:
        self.latencies_ms: list[float] = []
        place = urlsplit(url)
        self._connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=TIMEOUT_S)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ping()
        self._stop = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> list[float]:
        """Returns the latencies, sorted. Raises what a ping has raised."""
        self._stop.set()
        self._thread.join()
        self._connection.close()
        if self._failure is not None:
            raise self._failure
        return sorted(self.latencies_ms)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                started = time.perf_counter()
                self._ping()
                self.latencies_ms.append((time.perf_counter() - started) * 1_000)
        except (OSError, http.client.HTTPException) as error:
            self._failure = error

    def _ping(self) -> None:
        self._connection.request("GET", "/ping")
        answer = self._connection.getresponse()
        if answer.read() != b"healthy\n":
            raise http.client.HTTPException(f"the server answered {answer.status}")


def percentile(sorted_values: list[float], fraction: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * fraction))]
