"""Server-side TLS contexts: one for each host that clients ask for, each with a certificate of its own."""

import datetime as dt
import ssl
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from naiad.service.aws_hosts.certificate_authority import CertificateAuthority
from naiad.service.domain.clock import Clock

_MAX_HOSTS = 256
_RENEW_BEFORE_END = dt.timedelta(days=1)
SniCallback = Callable[[ssl.SSLSocket | ssl.SSLObject, str | None, ssl.SSLContext], int | None]


class TlsContexts:
    """Cache of contexts, renewed a day before their certificate ends. For one thread."""

    def __init__(self, authority: CertificateAuthority, folder: Path, clock: Clock) -> None:
        """``folder``: private; holds the key of a certificate for the moment in which OpenSSL reads it."""
        self._authority, self._folder, self._clock = authority, folder, clock
        self._cache: OrderedDict[str, tuple[ssl.SSLContext, dt.datetime]] = OrderedDict()

    def context_for(self, host: str) -> ssl.SSLContext:
        """Raises OSError when the disk refuses."""
        entry = self._cache.pop(host, None)
        if entry is None or self._clock.now() > entry[1] - _RENEW_BEFORE_END:
            entry = self._make(host)
        self._cache[host] = entry
        if len(self._cache) > _MAX_HOSTS:
            self._cache.popitem(last=False)
        return entry[0]

    def _make(self, host: str) -> tuple[ssl.SSLContext, dt.datetime]:
        pem, ends_at = self._authority.issue(host)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.sni_callback = _accept_only(host)
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part") as file:
            file.write(pem)
            file.flush()
            context.load_cert_chain(file.name)
        return context, ends_at


def _accept_only(host: str) -> SniCallback:
    """Returns a callback that refuses a handshake for any other host; a client may also name none."""

    def check(_socket: ssl.SSLSocket | ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        if name is None or name.lower().rstrip(".") == host:
            return None
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    return check
