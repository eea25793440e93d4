"""Opens the proxy for AWS's hosts from a server's settings: a port on loopback and a folder in the state folder."""

import logging
import os
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from naiad import durable
from naiad.errors import FolderError, OptionError
from naiad.extras import install_command
from naiad.service.aws_hosts.connect_request import HostPort
from naiad.service.aws_hosts.passthrough import Passthrough
from naiad.service.domain.clock import Clock

if TYPE_CHECKING:
    from naiad.service.aws_hosts.proxy_thread import AwsHostsProxy

_LOG = logging.getLogger(__name__)
_FOLDER = "aws-hosts"
_PORT_FILE = "port"
_LOOPBACK = "127.0.0.1"
_BACKLOG = 128
_MAX_PORT = 65535


def open_aws_hosts(state: Path, gateway_url: str, port: int, clock: Clock) -> "AwsHostsProxy":
    """Listens on loopback, wherever the gateway listens.

    ``port`` 0: the port of the last start, so that the settings of shells stay valid, or any free one.
    Raises OptionError for a port that is taken and where ``cryptography`` is missing, FolderError.
    """
    if find_spec("cryptography") is None:
        raise OptionError(
            "the proxy for AWS's hosts needs the package cryptography, which is not installed",
            hint=f"in the clone of Naiad: {install_command('service')}; or do without: naiad serve --no-aws-hosts",
        )
    from naiad.service.aws_hosts.proxy_thread import AwsHostsProxy  # noqa: PLC0415  # reason: needs cryptography

    folder = state.absolute() / _FOLDER
    try:
        durable.make_private_folder(folder)
        listening = _listen(port) if port else _listen_again(folder / _PORT_FILE)
    except OSError as error:
        raise FolderError(f"{folder} cannot be written: {error.strerror or error}") from error
    try:
        passthrough = Passthrough(getproxies_environment(), own_port=listening.getsockname()[1])
        gateway = _address_of(gateway_url)
        return AwsHostsProxy(folder, listening, gateway, passthrough, clock=clock, environment=os.environ)
    except BaseException:
        listening.close()
        raise


def _address_of(url: str) -> HostPort:
    """Raises ValueError for a URL without a host or port."""
    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None:
        raise ValueError(f"the gateway's URL {url!r} has no host or no port")
    return HostPort(parts.hostname, parts.port)


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((_LOOPBACK, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise OptionError(
            f"{_LOOPBACK}:{port} cannot be listened on for AWS's hosts: {error.strerror or error}",
            hint="choose another: --aws-hosts-port, or do without: --no-aws-hosts",
        ) from error
    return listening


def _listen_again(file: Path) -> socket.socket:
    """Listens on the port that the file names, or on any free one, and writes it to the file."""
    last = file.read_text(encoding="ascii", errors="replace") if file.is_file() else ""
    try:
        listening = _listen(int(last) if last.isdecimal() and int(last[:6]) <= _MAX_PORT else 0)
    except OptionError:
        listening = _listen(0)
    try:
        durable.ensure_content(file, str(listening.getsockname()[1]).encode(), mode=0o600)
    except OSError as error:  # it only keeps the port for the next start
        _LOG.warning("%s cannot be written: %s", file, error)
    return listening
