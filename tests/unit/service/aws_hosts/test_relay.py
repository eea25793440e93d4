"""Bytes both ways, their ends, a slow reader and a long silence."""

import asyncio
import socket

from naiad.service.aws_hosts.relay import Connection, relay


async def joined():
    """(a client's socket, a server's socket) with a relay between them still to be run: (its two connections)."""
    pairs = [socket.socketpair() for _ in range(2)]
    connections = [Connection(*await asyncio.open_connection(sock=inner)) for _, inner in pairs]
    for outer, _ in pairs:
        outer.setblocking(False)
    return pairs[0][0], pairs[1][0], connections


def test_a_half_closed_side_still_hears_the_answer():
    async def run():
        client, server, (one, other) = await joined()
        loop = asyncio.get_running_loop()
        with client, server:
            task = loop.create_task(relay(one, other, idle_s=60))
            await loop.sock_sendall(client, b"question")
            client.shutdown(socket.SHUT_WR)
            assert await loop.sock_recv(server, 100) == b"question"
            assert await loop.sock_recv(server, 100) == b""
            await loop.sock_sendall(server, b"answer")
            server.close()
            assert await loop.sock_recv(client, 100) == b"answer"
            assert await loop.sock_recv(client, 100) == b""
            await task

    asyncio.run(run())


def test_silence_ends_it():
    async def run():
        client, server, (one, other) = await joined()
        with client, server:
            await relay(one, other, idle_s=0.05)
            assert await asyncio.get_running_loop().sock_recv(client, 100) == b""

    asyncio.run(run())


def test_who_does_not_read_holds_the_sender_back():
    async def run():
        client, server, (one, other) = await joined()
        loop, sent = asyncio.get_running_loop(), 0
        with client, server:
            task = loop.create_task(relay(one, other, idle_s=0.3))
            try:
                while sent < 64 * 2**20:
                    await loop.sock_sendall(client, bytes(2**16))
                    sent += 2**16
            except OSError:
                pass
            await task
        assert 0 < sent < 8 * 2**20

    asyncio.run(run())
