"""CONNECT requests: the first line decides, and an error gives its reason."""

import pytest

from naiad.service.aws_hosts.connect_request import HostPort, ProxyError, parse_connect


@pytest.mark.parametrize(
    ("target", "host", "port"),
    [
        ("STS.us-east-1.amazonaws.com.:443", "sts.us-east-1.amazonaws.com", 443),
        ("127.0.0.1:1", "127.0.0.1", 1),
        ("[::1]:65535", "::1", 65535),
        ("my_host:80", "my_host", 80),
    ],
)
def test_targets(target, host, port):
    assert parse_connect(f"CONNECT {target} HTTP/1.1\r\nhost: x".encode()) == HostPort(host, port)


@pytest.mark.parametrize(
    "target", ["host", "host:", "host:0", "host:65536", ":443", "a/b:443", "[::1:443", "-x:443", "."]
)
def test_targets_that_are_malformed(target):
    with pytest.raises(ProxyError, match="HOST:PORT") as caught:
        parse_connect(f"CONNECT {target} HTTP/1.1".encode())
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "line", [b"", b"\x16\x03\x01", b"CONNECT a:1", b"CONNECT a:1 HTTP/2", b"CONNECT  a:1 HTTP/1.1"]
)
def test_lines_that_are_no_request(line):
    with pytest.raises(ProxyError, match=r"not HTTP/1\.1"):
        parse_connect(line)


def test_plain_http_is_told_what_to_do():
    with pytest.raises(ProxyError, match="HTTPS_PROXY at this port, not HTTP_PROXY") as caught:
        parse_connect(b"GET http://example.org/ HTTP/1.1\r\nhost: example.org")
    response = caught.value.response()
    head, _, text = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
    assert f"content-length: {len(text)}".encode() in head
    assert b"allow: CONNECT" in head
    assert text.startswith(b"naiad: GET http://example.org/")
