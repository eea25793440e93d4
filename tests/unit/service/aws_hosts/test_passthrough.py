"""Connections to other hosts: direct, or through the proxy that the environment names."""

import asyncio

import pytest

from naiad.service.aws_hosts.connect_request import HostPort, ProxyError
from naiad.service.aws_hosts.passthrough import Passthrough, UpstreamProxy, parse_proxy_url


def connect_and_close(passthrough, address):
    async def connect():
        connection = await passthrough.connect(address)
        await connection.close()

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(connect())


def test_urls_of_proxies():
    assert parse_proxy_url("http://proxy:3128") == UpstreamProxy(HostPort("proxy", 3128), False, "")
    assert parse_proxy_url("proxy:3128") == UpstreamProxy(HostPort("proxy", 3128), False, "")
    assert parse_proxy_url("https://me:a%40b@proxy") == UpstreamProxy(HostPort("proxy", 443), True, "Basic bWU6YUBi")
    for none in ("", "socks5://proxy:1", "http://proxy:99999", "http://"):
        assert parse_proxy_url(none) is None


def test_loopback_is_direct_and_the_rest_goes_through_the_proxy(outside, echo):
    passthrough = Passthrough({"https": f"http://127.0.0.1:{outside.port}", "no": "near.test"}, own_port=1)
    connect_and_close(passthrough, HostPort("127.0.0.1", echo))
    assert outside.requests == []
    with pytest.raises(ProxyError, match=r"refused pypi\.org: HTTP/1\.1 403") as caught:
        connect_and_close(passthrough, HostPort("pypi.org", 443))
    assert outside.requests == ["CONNECT pypi.org:443 HTTP/1.1"]
    assert caught.value.status == 502


def test_a_proxy_that_is_this_one_is_left_out(outside):
    passthrough = Passthrough({"https": f"http://127.0.0.1:{outside.port}"}, own_port=outside.port)
    with pytest.raises(ProxyError, match=r"nowhere\.invalid:443 cannot be reached"):
        connect_and_close(passthrough, HostPort("nowhere.invalid", 443))
    assert outside.requests == []


def test_a_host_that_does_not_answer(echo):
    with pytest.raises(ProxyError, match=r"127\.0\.0\.1:1 cannot be reached"):
        connect_and_close(Passthrough({}, own_port=1), HostPort("127.0.0.1", 1))
