"""The one budget of all connections that have not sent a whole head: how many there are, and how many bytes they hold.

A new connection is never turned away for the old ones: where there are too many, the one that has waited longest is closed, and
where they hold too many bytes, the one that holds most.
"""

import resource
from collections import OrderedDict
from typing import Protocol

_MAX_CONNECTIONS = 1_000
_MAX_BYTES = 8 * 2**20


class WaitingConnection(Protocol):
    """Used as a key: by its identity."""

    def close_waiting(self) -> None:
        """Closes it without an answer."""


class ConnectionBudget:
    """Belongs to one thread. Connections between two requests count too: a client with a closed one connects again."""

    def __init__(self, *, max_connections: int | None = None, max_bytes: int = _MAX_BYTES) -> None:
        """``max_connections``: None is a thousand, or half of the files that the process may open where these are fewer."""
        if max_connections is None:
            open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            is_limited = open_files != resource.RLIM_INFINITY
            max_connections = min(_MAX_CONNECTIONS, open_files // 2) if is_limited else _MAX_CONNECTIONS
        self._max_connections, self._max_bytes = max_connections, max_bytes
        self._held_bytes: OrderedDict[WaitingConnection, int] = OrderedDict()
        """Bytes of an incomplete head by connection; the one that has waited longest comes first."""
        self._total_bytes = 0

    def __len__(self) -> int:
        return len(self._held_bytes)

    def add(self, connection: WaitingConnection) -> None:
        """Notes that the connection waits for a head from now on."""
        self._held_bytes[connection] = 0
        while len(self._held_bytes) > self._max_connections:
            self._close(next(iter(self._held_bytes)))

    def add_bytes(self, connection: WaitingConnection, size_bytes: int) -> None:
        """Notes that it has sent so many bytes that make no whole head. Does nothing for one that does not wait."""
        if connection not in self._held_bytes:
            return
        self._held_bytes[connection] += size_bytes
        self._total_bytes += size_bytes
        while self._total_bytes > self._max_bytes:
            self._close(max(self._held_bytes, key=self._held_bytes.__getitem__))

    def remove(self, connection: WaitingConnection) -> None:
        """Notes that it has a whole head, or has ended."""
        self._total_bytes -= self._held_bytes.pop(connection, 0)

    def _close(self, connection: WaitingConnection) -> None:
        self.remove(connection)
        connection.close_waiting()
