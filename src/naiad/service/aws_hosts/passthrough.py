"""Connections to hosts that are not ours: direct, or through the proxy that the server's own environment names.

``naiad env --aws-hosts`` replaces HTTPS_PROXY in a shell. On a network that needs a proxy, the server keeps using that one.
"""

import asyncio
import base64
import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # it is there; typeshed does not know it

from naiad.service.aws_hosts.connect_request import HEAD_END, MAX_HEAD_BYTES, HostPort, ProxyError
from naiad.service.aws_hosts.tunnel import StreamConnection

_CONNECT_TIMEOUT_S = 20
_NEXT_ADDRESS_AFTER_S = 0.25


@dataclass(frozen=True)
class UpstreamProxy:
    """Another proxy that speaks CONNECT."""

    address: HostPort
    tls: bool
    authorization: str
    """Value of Proxy-Authorization, from the user and password in the proxy's URL; "" without them."""


class Passthrough:
    """Opens connections to other hosts."""

    def __init__(self, proxies: Mapping[str, str], *, own_port: int) -> None:
        """``proxies``: as ``urllib.request.getproxies_environment`` returns them. A proxy that is this one is left out."""
        self._proxies = dict(proxies)
        upstream = parse_proxy_url(self._proxies.get("https", ""))
        is_self = upstream is not None and upstream.address.port == own_port and _is_loopback(upstream.address.host)
        self._upstream = None if is_self else upstream

    async def connect(self, address: HostPort) -> StreamConnection:
        """Raises ProxyError."""
        upstream = self._upstream
        if upstream is None or self._is_direct(address.host):
            return await open_connection(address)
        connection = await open_connection(upstream.address, tls=ssl.create_default_context() if upstream.tls else None)
        try:
            await _request_tunnel(connection, upstream, address)
        except BaseException:
            await connection.close()
            raise
        return connection

    def _is_direct(self, host: str) -> bool:
        return _is_loopback(host) or bool(proxy_bypass_environment(host, self._proxies))


async def open_connection(address: HostPort, *, tls: ssl.SSLContext | None = None) -> StreamConnection:
    """Raises ProxyError."""
    name = f"{address.host}:{address.port}"
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(
                address.host, address.port, ssl=tls, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_S
            )
    except TimeoutError:
        raise ProxyError(504, f"{name} did not answer within {_CONNECT_TIMEOUT_S} s") from None
    except (OSError, UnicodeError) as error:
        raise ProxyError(502, f"{name} cannot be reached: {error}") from error
    return StreamConnection(reader, writer)


def parse_proxy_url(url: str) -> UpstreamProxy | None:
    """Returns None where no proxy is named, or one that does not speak CONNECT."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    default = 443 if parts.scheme == "https" else 80
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    authorization = "" if login == ":" else "Basic " + base64.b64encode(login.encode()).decode()
    return UpstreamProxy(HostPort(parts.hostname, port or default), parts.scheme == "https", authorization)


async def _request_tunnel(connection: StreamConnection, upstream: UpstreamProxy, address: HostPort) -> None:
    host = f"[{address.host}]" if ":" in address.host else address.host
    lines = [f"CONNECT {host}:{address.port} HTTP/1.1", f"host: {host}:{address.port}"]
    lines += [f"proxy-authorization: {upstream.authorization}"] if upstream.authorization else []
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            connection.writer.write("\r\n".join(lines).encode() + HEAD_END)
            head = await connection.reader.readuntil(HEAD_END)
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise ProxyError(502, f"the proxy {upstream.address.host} did not answer for {host}: {error}") from error
    line = head.partition(b"\r\n")[0].decode("latin-1")
    if len(head) > MAX_HEAD_BYTES or line.split(" ")[1:2] != ["200"]:
        raise ProxyError(502, f"the proxy {upstream.address.host} refused {host}: {line[:100]}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
