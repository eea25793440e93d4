"""Server-side TLS for a host that a client asked for: a leaf of its own, kept until it is nearly over."""

import datetime as dt
import ssl
import tempfile
from collections import OrderedDict
from pathlib import Path

from naiad.service.aws_hosts.authority import Authority
from naiad.service.domain.clock import Clock

_MOST_HOSTS = 256
_RENEWED_BEFORE_END = dt.timedelta(days=1)


class Contexts:
    """For one thread."""

    def __init__(self, authority: Authority, folder: Path, clock: Clock) -> None:
        """``folder``: private; a leaf's key lies there for the moment that OpenSSL reads it."""
        self._authority, self._folder, self._clock = authority, folder, clock
        self._kept: OrderedDict[str, tuple[ssl.SSLContext, dt.datetime]] = OrderedDict()

    def of(self, host: str) -> ssl.SSLContext:
        """Raises OSError when the disk refuses."""
        kept = self._kept.pop(host, None)
        if kept is None or self._clock.now() > kept[1] - _RENEWED_BEFORE_END:
            kept = self._made(host)
        self._kept[host] = kept
        if len(self._kept) > _MOST_HOSTS:
            self._kept.popitem(last=False)
        return kept[0]

    def _made(self, host: str) -> tuple[ssl.SSLContext, dt.datetime]:
        pem, ends = self._authority.issue(host)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.sni_callback = _only(host)
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part") as file:
            file.write(pem)
            file.flush()
            context.load_cert_chain(file.name)
        return context, ends


class _only:  # noqa: N801  # reason: a callback with a value, used as a function
    """Refuses a handshake for another host than the one that was asked for; a client may name none."""

    def __init__(self, host: str) -> None:
        self._host = host

    def __call__(
        self, _socket: ssl.SSLSocket | ssl.SSLObject, name: str | None, _context: ssl.SSLContext
    ) -> int | None:
        if name is None or name.lower().rstrip(".") == self._host:
            return None
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
