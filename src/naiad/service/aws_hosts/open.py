"""From a server's settings to the proxy for AWS's hosts: a port on loopback, a folder in the state, and what is missing."""

import os
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from naiad.errors import FolderError, OptionError
from naiad.service.aws_hosts.head import Target
from naiad.service.aws_hosts.passthrough import Elsewhere
from naiad.service.aws_hosts.private_files import make_private_folder, write_private
from naiad.service.domain.clock import Clock

if TYPE_CHECKING:
    from naiad.service.aws_hosts.running import AwsHosts

_FOLDER = "aws-hosts"
_PORT = "port"
_LOOPBACK = "127.0.0.1"
_BACKLOG = 128
_LAST_PORT = 65535


def open_aws_hosts(state: Path, gateway_url: str, port: int, clock: Clock) -> "AwsHosts":
    """``port`` 0: the one that it had last, so that shells stay right, or any. Listens on loopback, wherever the gateway does.

    Raises OptionError for a port that is taken and for ``cryptography`` missing, FolderError.
    """
    if find_spec("cryptography") is None:
        raise OptionError(
            "the proxy for AWS's hosts needs the package cryptography, which is not installed",
            hint="pip install 'naiad[service]', or do without: naiad serve --no-aws-hosts",
        )
    from naiad.service.aws_hosts.running import AwsHosts  # noqa: PLC0415  # reason: needs what was just looked for

    folder = state.absolute() / _FOLDER
    try:
        make_private_folder(folder)
        listening = _listen(port) if port else _listen_again(folder / _PORT)
    except OSError as error:
        raise FolderError(f"{folder} cannot be written: {error.strerror or error}") from error
    try:
        gateway = urlsplit(gateway_url)
        assert gateway.hostname is not None
        assert gateway.port is not None
        target = Target(gateway.hostname, gateway.port)
        elsewhere = Elsewhere(getproxies_environment(), own_port=listening.getsockname()[1])
        return AwsHosts(folder, listening, target, elsewhere, clock=clock, environment=os.environ)
    except BaseException:
        listening.close()
        raise


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
    """On the port that the file names, or on any, which it names then."""
    last = file.read_text(encoding="ascii", errors="replace") if file.is_file() else ""
    try:
        listening = _listen(int(last) if last.isdecimal() and int(last[:6]) <= _LAST_PORT else 0)
    except OptionError:
        listening = _listen(0)
    write_private(file, str(listening.getsockname()[1]).encode())
    return listening
