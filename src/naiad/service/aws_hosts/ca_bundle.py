"""The CA bundle for clients of the proxy: all roots that they would trust without it, and our own.

The usual roots come from certifi, or from botocore's copy of them. The server's environment may name more roots, for a network
with a certificate authority of its own.
"""

import re
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

from naiad import durable

BUNDLE_FILE = "naiad-ca-bundle.pem"
_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


def write_ca_bundle(folder: Path, root_pem: bytes, environment: Mapping[str, str]) -> Path:
    """Writes the bundle and returns its path. Raises OSError."""
    path = folder / BUNDLE_FILE
    sources = [*_packaged_bundles(), *_environment_bundles(environment)]
    durable.ensure_content(path, b"\n".join([*_certificates(sources), root_pem]), mode=0o600)
    return path


def _packaged_bundles() -> list[Path]:
    """Returns the bundle of the first package that is installed."""
    for package, name in (("certifi", "cacert.pem"), ("botocore", "cacert.pem")):
        spec = find_spec(package)
        if spec is not None and spec.origin is not None and (path := Path(spec.origin).with_name(name)).is_file():
            return [path]
    return []


def _environment_bundles(environment: Mapping[str, str]) -> list[Path]:
    """Returns the bundles that the environment names, except our own: a shell may have set that one already."""
    paths = [Path(environment[name]) for name in _VARIABLES if environment.get(name)]
    return [path for path in dict.fromkeys(paths) if path.is_file() and path.name != BUNDLE_FILE]


def _certificates(sources: Iterable[Path]) -> list[bytes]:
    """Returns every certificate once, in order."""
    matches = (match for source in sources for match in _CERTIFICATE.findall(source.read_bytes()))
    return list(dict.fromkeys(matches))
