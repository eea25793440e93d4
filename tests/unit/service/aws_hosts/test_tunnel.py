"""Tunnels: bytes both ways, their ends, a slow reader and a long silence."""

import asyncio
import socket

from naiad.service.aws_hosts.tunnel import StreamConnection, tunnel


async def make_pair():
    """Returns (a client's socket, a server's socket, the two connections between them, for a tunnel that is still to run)."""
    pairs = [socket.socketpair() for _ in range(2)]
    connections = [StreamConnection(*await asyncio.open_connection(sock=inner)) for _, inner in pairs]
    for outer, _ in pairs:
        outer.setblocking(False)
    return pairs[0][0], pairs[1][0], connections


def test_a_half_closed_side_still_receives_the_answer():
    async def run():
        client, server, (one, other) = await make_pair()
        loop = asyncio.get_running_loop()
        with client, server:
            task = loop.create_task(tunnel(one, other, idle_timeout_s=60))
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


def test_silence_ends_the_tunnel():
    async def run():
        client, server, (one, other) = await make_pair()
        with client, server:
            await tunnel(one, other, idle_timeout_s=0.05)
            assert await asyncio.get_running_loop().sock_recv(client, 100) == b""

    asyncio.run(run())


def test_a_slow_reader_slows_the_sender():
    async def run():
        client, server, (one, other) = await make_pair()
        loop, sent = asyncio.get_running_loop(), 0
        with client, server:
            task = loop.create_task(tunnel(one, other, idle_timeout_s=0.3))
            try:
                while sent < 64 * 2**20:
                    await loop.sock_sendall(client, bytes(2**16))
                    sent += 2**16
            except OSError:
                pass
            await task
        assert 0 < sent < 8 * 2**20

    asyncio.run(run())
