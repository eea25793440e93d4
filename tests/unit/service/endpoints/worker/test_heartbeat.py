import socket

from naiad.service.endpoints.worker.heartbeat import answer_heartbeats


def test_each_byte_is_answered_until_the_server_closes_its_end():
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    thread = answer_heartbeats(theirs.detach())
    with ours:
        for _ in range(3):
            ours.sendall(b".")
            assert ours.recv(64) == b"."
    thread.join(10)
    assert not thread.is_alive()
