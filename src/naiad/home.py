"""The folder where a server keeps its state on this machine, and the file there by which clients find the server.

The server writes the file; the command line and ``naiad.connect`` read it.
"""

import json
import os
import socket
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from naiad import durable
from naiad.errors import FolderError

_FILE = "server.json"
_CONNECT_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class ServerAddress:
    """URL and keys of a server. Only the owner may read the file that holds them."""

    url: str
    region: str
    bucket: str
    """The default bucket, which the server makes when it starts."""
    access_key: str
    secret_key: str = field(repr=False)
    proxy_url: str | None = None
    """Proxy for clients that send requests to AWS's own hosts; None where the server runs without it."""
    ca_bundle: str | None = None
    """The file of root certificates that such a client needs."""


def find_state_folder(chosen: str | Path | None = None) -> Path:
    """Returns ``chosen``, else ``$NAIAD_STATE``, else ``$XDG_STATE_HOME/naiad``, else ``~/.local/state/naiad``."""
    if chosen is not None:
        return Path(chosen).expanduser()
    if variable := os.environ.get("NAIAD_STATE"):
        return Path(variable)
    if base := os.environ.get("XDG_STATE_HOME"):
        return Path(base) / "naiad"
    return Path.home() / ".local" / "state" / "naiad"


def make_state_folder(folder: Path) -> None:
    """Creates the folder for its owner only. Raises FolderError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        why = "it is a file" if folder.is_file() else error.strerror
        raise FolderError(f"{folder} cannot be the state folder: {why}", hint="give another one: --state") from error


def write_address(folder: Path, address: ServerAddress) -> None:
    """Writes nothing where the file says so already. Raises OSError."""
    durable.ensure_content(folder / _FILE, json.dumps(asdict(address)).encode(), mode=0o600)


def is_listening(address: ServerAddress) -> bool:
    """Whether a process accepts connections at the address."""
    parts = urlsplit(address.url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=_CONNECT_TIMEOUT_S):
            return True
    except OSError:
        return False


def replace_key(folder: Path, revoked: str, *, access_key: str, secret_key: str) -> None:
    """Writes another key into the file where it holds the revoked one. Raises FolderError."""
    if not (folder / _FILE).exists():
        return
    address = read_address(folder)
    if address.access_key == revoked:
        write_address(folder, replace(address, access_key=access_key, secret_key=secret_key))


def read_address(folder: Path) -> ServerAddress:
    """Returns the address of the server that runs on the folder, or ran last. Raises FolderError when none has run."""
    try:
        return ServerAddress(**json.loads((folder / _FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise FolderError(f"no server has run on {folder}", hint="start one: naiad serve") from None
    except (OSError, ValueError, TypeError) as error:
        raise FolderError(
            f"{folder / _FILE} cannot be read: {error}", hint="start the server again: naiad serve"
        ) from error
