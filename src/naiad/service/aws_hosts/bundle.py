"""The file of roots that a client of the proxy trusts: those that it would have trusted anyway, and ours.

Those are certifi's, or botocore's copy of them, and the ones that the server's environment names, for a network with an authority
of its own.
"""

import re
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

from naiad.service.aws_hosts.private_files import write_private

FILE = "naiad-ca-bundle.pem"
_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


def write_bundle(folder: Path, root_pem: bytes, environment: Mapping[str, str]) -> Path:
    """Raises OSError."""
    path = folder / FILE
    sources = [*_packaged(), *_named(environment)]
    write_private(path, b"\n".join([*_certificates(sources), root_pem]))
    return path


def _packaged() -> list[Path]:
    """The first that is installed."""
    for package, place in (("certifi", "cacert.pem"), ("botocore", "cacert.pem")):
        spec = find_spec(package)
        if spec is not None and spec.origin is not None and (found := Path(spec.origin).with_name(place)).is_file():
            return [found]
    return []


def _named(environment: Mapping[str, str]) -> list[Path]:
    """Without ours, which a shell may have set already: what it holds is gathered anew."""
    named = [Path(environment[name]) for name in _VARIABLES if environment.get(name)]
    return [path for path in dict.fromkeys(named) if path.is_file() and path.name != FILE]


def _certificates(sources: Iterable[Path]) -> list[bytes]:
    """Each once, in order."""
    found = (match for source in sources for match in _CERTIFICATE.findall(source.read_bytes()))
    return list(dict.fromkeys(found))
