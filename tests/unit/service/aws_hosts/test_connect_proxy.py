"""The proxy as clients see it: TLS for our hosts, tunnels for others, and errors."""

import contextlib
import socket
import ssl

import pytest

from naiad.service.aws_hosts.connect_proxy import ProxyLimits

STS = "sts.us-east-1.amazonaws.com"
POST = f"POST /a%20b HTTP/1.1\r\nhost: {STS}\r\ncontent-length: 5\r\n\r\nhello".encode()


def read_all(connection):
    chunks = []
    while chunk := connection.recv(65536):
        chunks.append(chunk)
    return b"".join(chunks)


def read_until(connection, ending):
    """Returns less when the connection ends earlier."""
    content = b""
    while not content.endswith(ending) and (chunk := connection.recv(65536)):
        content += chunk
    return content


def test_tls_for_our_hosts_ends_here_and_the_host_header_stays(start, outside):
    with start().connect_tls(STS) as connection:
        for _ in range(2):
            connection.sendall(POST)
            assert read_until(connection, b" 5").endswith(f"{STS} /a%20b 5".encode())
        assert connection.version() == "TLSv1.3"
    assert outside.requests == []


def test_a_large_body_passes_whole(start):
    body = bytes(8 * 2**20)
    head = f"POST / HTTP/1.1\r\nhost: {STS}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    with start().connect_tls(STS) as connection:
        connection.sendall(head + body)
        end = f"{STS} / {len(body)}".encode()
        assert read_until(connection, end).endswith(end)


@pytest.mark.parametrize("name", ["iam.amazonaws.com", "example.org"])
def test_a_handshake_for_another_host_is_refused(start, name):
    with pytest.raises(ssl.SSLError, match=r"EOF|(?i:unrecognized.name)"):
        start().connect_tls(STS, sni=name)


def test_a_handshake_that_names_no_host_is_served(start):
    running = start()
    context = ssl.create_default_context(cafile=str(running.hosts.bundle))
    context.check_hostname = False
    with context.wrap_socket(running.connect(f"{STS}:443")) as connection:
        assert connection.getpeercert()["subjectAltName"] == (("DNS", STS),)


def test_a_client_without_our_root_does_not_trust_us(start):
    with (
        start().connect(f"{STS}:443") as plain,
        pytest.raises(ssl.SSLCertVerificationError, match=r"local issuer|self"),
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname=STS)


def test_bytes_to_other_hosts_pass_unchanged(start, echo):
    with start().connect(f"127.0.0.1:{echo}") as connection:
        connection.sendall(b"\x16\x03 anything")
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b"\x16\x03 anythinggoodbye"


def test_bytes_sent_ahead_reach_the_tunnel(start, echo):
    with start().send(f"CONNECT 127.0.0.1:{echo} HTTP/1.1\r\n\r\nahead".encode()) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection).endswith(b"\r\n\r\naheadgoodbye")


def test_the_environments_proxy_is_the_way_out(start, outside):
    with start().send(b"CONNECT pypi.org:443 HTTP/1.1\r\n\r\n") as connection:
        response = read_all(connection)
    assert response.startswith(b"HTTP/1.1 502 Bad Gateway")
    assert b"refused pypi.org: HTTP/1.1 403 Not from here" in response
    assert outside.requests == ["CONNECT pypi.org:443 HTTP/1.1"]


@pytest.mark.parametrize(
    ("request_bytes", "status", "reason"),
    [
        (b"GET http://example.org/ HTTP/1.1\r\n\r\n", b"405", b"not HTTP_PROXY"),
        (b"CONNECT nonsense HTTP/1.1\r\n\r\n", b"400", b"HOST:PORT"),
        (b"\x16\x03\x01\r\n\r\n", b"400", b"not HTTP/1.1"),
        (b"CONNECT a:1 HTTP/1.1\r\n" + b"x" * 20000, b"431", b"larger than 8,192 bytes"),
        (f"CONNECT {STS}:443 HTTP/1.1\r\n\r\nahead".encode(), b"400", b"before it was answered"),
        (b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n", b"502", b"127.0.0.1:1 cannot be reached"),
    ],
)
def test_errors(start, request_bytes, status, reason):
    with start().send(request_bytes) as connection:
        response = connection.recv(4096)
    assert response.split()[1] == status
    assert reason in response


def test_no_more_connections_than_the_limit(start, echo):
    running = start(ProxyLimits(connections=2))
    with running.connect(f"127.0.0.1:{echo}"), running.connect(f"127.0.0.1:{echo}"), running.send(b"") as third:
        assert b"503 Service Unavailable" in third.recv(4096)
    with contextlib.ExitStack() as stack:  # the two have to be noticed as gone
        while True:
            again = stack.enter_context(running.send(f"CONNECT 127.0.0.1:{echo} HTTP/1.1\r\n\r\n".encode()))
            if again.recv(4096).startswith(b"HTTP/1.1 200"):
                break


def test_a_silent_client_is_disconnected(start):
    running = start(ProxyLimits(head_timeout_s=0.05))
    with running.send(b"CONNECT ") as slow:
        assert slow.recv(100) == b""
    with running.connect(f"{STS}:443") as no_handshake:
        assert no_handshake.recv(100) == b""


def test_connections_that_send_nothing_do_not_shut_others_out(start):
    running = start(ProxyLimits(connections=3))
    silent = [running.send(b"") for _ in range(10)]
    try:
        with running.connect_tls(STS) as connection:
            connection.sendall(POST)
            assert read_until(connection, b" 5").endswith(b" 5")
    finally:
        for one in silent:
            one.close()
