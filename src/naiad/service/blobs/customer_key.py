"""Encryption of an object with a key that only its owner has, as in S3's SSE-C: AES-256 in counter mode.

The store keeps a seal of the key, which tells a wrong key, and never the key itself. Counter mode reads from any byte on.
"""

import hashlib
import hmac
import secrets
from bisect import bisect_right
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import accumulate
from typing import Protocol

from naiad.extras import install_command
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
            hint=f"in the clone of Naiad: {install_command('service')}; or leave the key out",
        )
    from naiad.service.blobs.keystream import make_keystream  # noqa: PLC0415  # reason: needs cryptography

    return make_keystream(key, nonce, offset)


class Decryption:
    """Decrypts the content of an object that was encrypted in pieces, each with a nonce of its own.

    Data that follows the last data continues its keystream.
    """

    def __init__(self, key: bytes, pieces: Sequence[tuple[int, str]]) -> None:
        """``pieces``: (size, nonce) of each, in order."""
        self._key, self._nonces = key, [nonce for _, nonce in pieces]
        self._starts = list(accumulate((size for size, _ in pieces), initial=0))
        self._context: Keystream | None = None
        self._position = 0
        """Offset at which the context goes on."""

    def decrypt(self, position: int, data: bytes) -> bytes:
        """``position``: that of the data in the object."""
        decrypted, begin = [], 0
        while begin < len(data):
            index = bisect_right(self._starts, position + begin) - 1
            start, end = self._starts[index], min(self._starts[index + 1] - position, len(data))
            if self._context is None or self._position != position + begin or self._position == start:
                self._context = keystream(self._key, self._nonces[index], offset=position + begin - start)
            decrypted.append(self._context.update(data[begin:end]))
            begin, self._position = end, position + end
        return b"".join(decrypted)


def _seal(key: bytes, salt: str) -> str:
    return f"{salt}:{hmac.new(key, salt.encode(), hashlib.sha256).hexdigest()}"
