"""The private certificate authority of a state folder: created on first use, read again later, renewed before it ends."""

import datetime as dt
import threading
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from naiad import durable
from naiad.errors import FolderError
from naiad.service.aws_hosts import certificates
from naiad.service.domain.clock import Clock

_FILE = "authority.pem"
_RENEW_BEFORE_END = dt.timedelta(days=60)
Publish = Callable[[bytes], object]
"""Takes the root certificate as PEM, without the key; may raise OSError."""


class CertificateAuthority:
    """Safe for threads. One file holds the key and the certificate, so that they always belong to each other."""

    def __init__(
        self, path: Path, clock: Clock, publish: Publish, key: EllipticCurvePrivateKey, root: x509.Certificate
    ) -> None:
        self._path, self._clock, self._publish, self._key, self._root = path, clock, publish, key, root
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path, clock: Clock, publish: Publish) -> "CertificateAuthority":
        """Reads or creates the authority. Calls ``publish`` at once, and again when the root is renewed. Raises FolderError."""
        path = folder / _FILE
        try:
            durable.make_private_folder(folder)
            key, root = _read(path) if path.exists() else _create_root(path, certificates.make_key(), clock.now())
            authority = cls(path, clock, publish, key, root)
            if authority._current_root() is root:
                publish(root.public_bytes(Encoding.PEM))
        except (OSError, ValueError, TypeError) as error:
            raise FolderError(
                f"the certificate authority {path} cannot be read or made: {error}",
                hint="take the file away, naiad serve makes a new one; or do without: naiad serve --no-aws-hosts",
            ) from error
        return authority

    def issue(self, host: str) -> tuple[bytes, dt.datetime]:
        """Returns (key and certificate for one host as PEM, the time when the certificate ends). Raises OSError."""
        root = self._current_root()
        key = certificates.make_key()
        leaf = certificates.make_leaf(host, key.public_key(), root, self._key, self._clock.now())
        return _to_pem(key, leaf), leaf.not_valid_after_utc

    def _current_root(self) -> x509.Certificate:
        with self._lock:
            now = self._clock.now()
            if not self._root.not_valid_before_utc <= now < self._root.not_valid_after_utc - _RENEW_BEFORE_END:
                self._key, self._root = _create_root(self._path, self._key, now)
                self._publish(self._root.public_bytes(Encoding.PEM))
            return self._root


def _create_root(
    path: Path, key: EllipticCurvePrivateKey, now: dt.datetime
) -> tuple[EllipticCurvePrivateKey, x509.Certificate]:
    root = certificates.make_root(key, now)
    durable.write_file(path, _to_pem(key, root), mode=0o600)
    return key, root


def _read(path: Path) -> tuple[EllipticCurvePrivateKey, x509.Certificate]:
    """Raises ValueError, TypeError or OSError."""
    content = path.read_bytes()
    path.chmod(0o600)
    key, root = load_pem_private_key(content, None), x509.load_pem_x509_certificate(content)
    if not isinstance(key, EllipticCurvePrivateKey) or key.public_key() != root.public_key():
        raise ValueError("the key is not that of the certificate")
    return key, root


def _to_pem(key: EllipticCurvePrivateKey, certificate: x509.Certificate) -> bytes:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)
