"""Where a server keeps its state on this machine, and how others on it find the server.

Knows paths and one small file; the server writes it, the command line and ``naiad.connect`` read it.
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
_ANSWERS_WITHIN_S = 1.0


@dataclass(frozen=True)
class Address:
    """How to reach a server. The file that holds it is readable by its owner only."""

    url: str
    region: str
    bucket: str
    """The default bucket, made when the server starts."""
    access_key: str
    secret_key: str = field(repr=False)
    proxy_url: str | None = None
    """For clients that ask AWS's hosts whatever the endpoint is; None where the server was told to do without."""
    ca_bundle: str | None = None
    """The file of roots that such a client needs."""


def state_folder() -> Path:
    """``$NAIAD_STATE``, else ``$XDG_STATE_HOME/naiad``, else ``~/.local/state/naiad``."""
    if chosen := os.environ.get("NAIAD_STATE"):
        return Path(chosen)
    if base := os.environ.get("XDG_STATE_HOME"):
        return Path(base) / "naiad"
    return Path.home() / ".local" / "state" / "naiad"


def make_state_folder(folder: Path) -> None:
    """For its owner only. Raises FolderError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        why = "it is a file" if folder.is_file() else error.strerror
        raise FolderError(f"{folder} cannot be the state folder: {why}", hint="give another one: --state") from error


def write_address(folder: Path, address: Address) -> None:
    durable.write_file(folder / _FILE, json.dumps(asdict(address)).encode(), mode=0o600)


def is_listening(address: Address) -> bool:
    """Whether anybody takes connections there."""
    parts = urlsplit(address.url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=_ANSWERS_WITHIN_S):
            return True
    except OSError:
        return False


def replace_key(folder: Path, revoked: str, *, access_key: str, secret_key: str) -> None:
    """Has those who look for the server come with another key, where they came with the revoked one. Raises FolderError."""
    if not (folder / _FILE).exists():
        return
    address = read_address(folder)
    if address.access_key == revoked:
        write_address(folder, replace(address, access_key=access_key, secret_key=secret_key))


def read_address(folder: Path) -> Address:
    """Of the server that runs on the folder, or ran last. Raises FolderError when none ever did."""
    try:
        return Address(**json.loads((folder / _FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise FolderError(f"no server has run on {folder}", hint="start one: naiad serve") from None
    except (OSError, ValueError, TypeError) as error:
        raise FolderError(
            f"{folder / _FILE} cannot be read: {error}", hint="start the server again: naiad serve"
        ) from error
