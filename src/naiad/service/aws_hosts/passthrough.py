"""Connections to hosts that are not ours: straight, or through the proxy that the server's own environment names.

``naiad env --aws-hosts`` takes the place of HTTPS_PROXY in a shell; on a network that needs one, the server goes on using it.
"""

import asyncio
import base64
import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # it is there; typeshed does not know it

from naiad.service.aws_hosts.head import END, MOST_BYTES, Refusal, Target
from naiad.service.aws_hosts.relay import Connection

_CONNECT_S = 20
_NEXT_ADDRESS_AFTER_S = 0.25


@dataclass(frozen=True)
class Upstream:
    """Another proxy that speaks CONNECT."""

    target: Target
    tls: bool
    authorization: str
    """Of a user and password in its URL; "" without."""


class Elsewhere:
    def __init__(self, proxies: Mapping[str, str], *, own_port: int) -> None:
        """``proxies``: as ``urllib.request.getproxies_environment`` gives them. One that is ourselves is left out."""
        self._proxies = dict(proxies)
        upstream = upstream_of(self._proxies.get("https", ""))
        is_self = upstream is not None and upstream.target.port == own_port and _is_loopback(upstream.target.host)
        self._upstream = None if is_self else upstream

    async def connect(self, target: Target) -> Connection:
        """Raises Refusal."""
        upstream = self._upstream
        if upstream is None or self._goes_straight(target.host):
            return await opened(target)
        connection = await opened(upstream.target, tls=ssl.create_default_context() if upstream.tls else None)
        try:
            await _ask(connection, upstream, target)
        except BaseException:
            await connection.close()
            raise
        return connection

    def _goes_straight(self, host: str) -> bool:
        return _is_loopback(host) or bool(proxy_bypass_environment(host, self._proxies))


async def opened(target: Target, *, tls: ssl.SSLContext | None = None) -> Connection:
    """Raises Refusal."""
    where = f"{target.host}:{target.port}"
    try:
        async with asyncio.timeout(_CONNECT_S):
            reader, writer = await asyncio.open_connection(
                target.host, target.port, ssl=tls, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_S
            )
    except TimeoutError:
        raise Refusal(504, f"{where} did not answer within {_CONNECT_S} s") from None
    except (OSError, UnicodeError) as error:
        raise Refusal(502, f"{where} cannot be reached: {error}") from error
    return Connection(reader, writer)


def upstream_of(url: str) -> Upstream | None:
    """None where no proxy is named, or one of a kind that does not speak CONNECT."""
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
    return Upstream(Target(parts.hostname, port or default), parts.scheme == "https", authorization)


async def _ask(connection: Connection, upstream: Upstream, target: Target) -> None:
    host = f"[{target.host}]" if ":" in target.host else target.host
    lines = [f"CONNECT {host}:{target.port} HTTP/1.1", f"host: {host}:{target.port}"]
    lines += [f"proxy-authorization: {upstream.authorization}"] if upstream.authorization else []
    try:
        async with asyncio.timeout(_CONNECT_S):
            connection.writer.write("\r\n".join(lines).encode() + END)
            said = await connection.reader.readuntil(END)
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise Refusal(502, f"the proxy {upstream.target.host} did not answer for {host}: {error}") from error
    line = said.partition(b"\r\n")[0].decode("latin-1")
    if len(said) > MOST_BYTES or line.split(" ")[1:2] != ["200"]:
        raise Refusal(502, f"the proxy {upstream.target.host} refused {host}: {line[:100]}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
