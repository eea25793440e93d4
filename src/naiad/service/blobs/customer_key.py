"""Encryption of an object with a key that only its owner has, as in S3's SSE-C: AES-256 in counter mode.

The store keeps a seal of the key, which tells a wrong key, and never the key itself. Counter mode reads from any byte on.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Protocol

from naiad.service.blobs.errors import CustomerKeyMismatch
from naiad.service.domain.errors import NotServed

KEY_BYTES = 32
_NONCE_BYTES = 16


class Keystream(Protocol):
    def update(self, data: bytes, /) -> bytes: ...


def seal_key(key: bytes) -> str:
    """Returns a salted hash of the key."""
    return _seal(key, secrets.token_hex(16))


def check_key(key: bytes | None, seal: str | None) -> None:
    """Raises CustomerKeyMismatch unless the key is that of the seal; both are None for content that is not encrypted."""
    if seal is None and key is not None:
        raise CustomerKeyMismatch("the object is not encrypted with a customer's key: leave the key out")
    if seal is not None and key is None:
        raise CustomerKeyMismatch(
            "the object is encrypted with a customer's key (SSE-C), which only a request with it reads"
        )
    if seal is not None and key is not None and not hmac.compare_digest(_seal(key, seal.partition(":")[0]), seal):
        raise CustomerKeyMismatch("the object is encrypted with another customer's key")


def new_nonce() -> str:
    return secrets.token_hex(_NONCE_BYTES)


def keystream(key: bytes, nonce: str, *, offset: int = 0) -> Keystream:
    """Returns what encrypts, and decrypts, content from byte ``offset`` on. Raises NotServed without ``cryptography``."""
    if find_spec("cryptography") is None:
        raise NotServed(
            "encryption with a customer's key needs the package cryptography",
            hint="pip install 'naiad[service]', or leave the key out",
        )
    from naiad.service.blobs.keystream import make_keystream  # noqa: PLC0415  # reason: needs cryptography

    return make_keystream(key, nonce, offset)


class Decryption:
    """Decrypts the content of an object that was encrypted in pieces, each with a nonce of its own."""

    def __init__(self, key: bytes, pieces: Sequence[tuple[int, str]]) -> None:
        """``pieces``: (size, nonce) of each, in order."""
        self._key, self._pieces = key, pieces

    def decrypt(self, position: int, data: bytes) -> bytes:
        """``position``: that of the data in the object."""
        decrypted, start = [], 0
        for size, nonce in self._pieces:
            begin, end = max(position, start), min(position + len(data), start + size)
            if begin < end:
                context = keystream(self._key, nonce, offset=begin - start)
                decrypted.append(context.update(data[begin - position : end - position]))
            start += size
        return b"".join(decrypted)


def _seal(key: bytes, salt: str) -> str:
    return f"{salt}:{hmac.new(key, salt.encode(), hashlib.sha256).hexdigest()}"
