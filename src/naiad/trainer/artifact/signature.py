"""Signatures of artifacts that Naiad wrote on this machine, with a key that only this user can read.

A signature says that the record, which holds the sha256 of every file, was written here by Naiad itself. The key lies in the
state folder, which programs of jobs do not see. Where no key can be kept, nothing is signed; nothing is ever signed for others.
"""

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from naiad import durable
from naiad.errors import FolderError
from naiad.home import find_state_folder, make_state_folder

SIGNATURE = "signature"
"""Key of a record that holds its signature."""
_FILE = "artifact.key"
_KEY_BYTES = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def sign(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the record with a signature, in the place of one that it may have. Makes the key where there is none."""
    unsigned = without_signature(record)
    key = _read_key() or _make_key()
    return unsigned if key is None else {**unsigned, SIGNATURE: _compute(unsigned, key)}


def without_signature(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != SIGNATURE}


def is_signed_here(record: Mapping[str, Any]) -> bool:
    """Whether this machine's key has signed exactly this record. Writes nothing."""
    signature = record.get(SIGNATURE)
    key = _read_key() if isinstance(signature, str) and signature.isascii() else None
    return key is not None and hmac.compare_digest(_compute(without_signature(record), key), str(signature))


def _compute(record: Mapping[str, Any], key: bytes) -> str:
    """Returns the digest of the record's values as JSON gives them back, in the order of their names."""
    values = json.loads(json.dumps(record))
    return hmac.new(key, json.dumps(values, sort_keys=True).encode(), hashlib.sha256).hexdigest()


def _key_path() -> Path:
    return find_state_folder() / _FILE


def _read_key() -> bytes | None:
    """Returns None where there is no key, and where others could have read or written it."""
    try:
        with os.fdopen(os.open(_key_path(), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            key = file.read(_KEY_BYTES + 1)
    except (OSError, RuntimeError):
        return None
    is_private = status.st_uid == os.geteuid() and not status.st_mode & _OTHERS
    return key if is_private and len(key) == _KEY_BYTES else None


def _make_key() -> bytes | None:
    """Makes the key unless another process is faster, and returns it; None where it cannot be kept."""
    try:
        path = _key_path()
        make_state_folder(path.parent)
        new = path.with_name(f"{_FILE}.{secrets.token_hex(8)}")
        durable.write_file(new, secrets.token_bytes(_KEY_BYTES), mode=0o600)
        try:
            with contextlib.suppress(FileExistsError):
                os.link(new, path)
        finally:
            durable.remove(new)
    except (OSError, FolderError, RuntimeError):  # a home that is unknown is a RuntimeError
        return None
    return _read_key()
