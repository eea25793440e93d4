"""Floods of requests that nobody known has signed: many connections at once, each of which sends what it may of its bytes."""

import selectors
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from handmade_requests import HandmadeClient, head
from worst_bodies import MIB, STRANGER, presigned_by_a_stranger, unknown_key


def wrong_signature(client: HandmadeClient) -> bytes:
    """A key that exists, since a key's name is no secret, and a wrong signature: only the end of the body tells."""
    key = (client.address.access_key, "wrong")
    return client.request("POST", "/endpoints/e/invocations", bytes(25 * MIB), service="sagemaker", key=key)


def half_a_head(client: HandmadeClient) -> bytes:
    return head("GET", "/ping", [("Host", client.host), ("a", "b" * 60_000)])[:-4]


def half_a_form(client: HandmadeClient) -> bytes:
    headers = [
        ("Host", client.host),
        ("Content-Type", "multipart/form-data; boundary=b"),
        ("Content-Length", "99999999"),
    ]
    return head("POST", "/naiad", headers) + b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"x" * 19_000


def unsigned_body(client: HandmadeClient) -> bytes:
    return head("PUT", "/naiad/key", [("Host", client.host), ("Content-Length", str(4 * MIB))]) + bytes(4 * MIB)


def small_bodies_of_a_stranger(client: HandmadeClient) -> bytes:
    return client.request("POST", "/", bytes(64 * 1024), service="sagemaker", key=STRANGER)[:-1]


FLOODS: dict[str, Callable[[HandmadeClient], bytes]] = {
    "nothing but connections": lambda _: b"",
    "half a head of 60 KB": half_a_head,
    "25 MiB, a presigned URL of an unknown key": presigned_by_a_stranger,
    "25 MiB, a header of an unknown key": unknown_key,
    "25 MiB, a known key and a wrong signature": wrong_signature,
    "64 KiB but for one byte, an unknown key": small_bodies_of_a_stranger,
    "4 MiB, unsigned": unsigned_body,
    "half of a browser's form": half_a_form,
}


def flood(server: Any, client: HandmadeClient, data: bytes, *, count: int, seconds: float) -> float:
    """Returns the largest memory in MB meanwhile. ``server`` has memory_mb() and client(). Others must be served at the end."""
    view, sent, peak_mb = memoryview(data), {}, server.memory_mb()
    with selectors.DefaultSelector() as selector:
        for _ in range(count):
            connection = client.connect()
            connection.setblocking(False)  # noqa: FBT003  # reason: socket's signature
            sent[connection] = 0
            selector.register(connection, selectors.EVENT_WRITE)
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            for key, _ in selector.select(0.05):
                if not push(key.fileobj, view, sent):
                    selector.unregister(key.fileobj)
            peak_mb = max(peak_mb, server.memory_mb())
        assert server.client("sts").get_caller_identity()["Account"]
        for connection in sent:
            connection.close()
    return peak_mb


def push(connection: socket.socket, data: memoryview, sent: dict[socket.socket, int]) -> bool:
    """Sends some more. Returns whether there is more to send."""
    with suppress(BlockingIOError):
        try:
            sent[connection] += connection.send(data[sent[connection] : sent[connection] + 2**18])
        except ConnectionError:
            return False
    return sent[connection] < len(data)
