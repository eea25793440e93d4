"""Encryption of an object with a key that only its owner has, as in S3's SSE-C: AES-256 in counter mode.

The store keeps a seal of the key, which tells a wrong key, and never the key itself. Counter mode reads from any byte on.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from naiad.service.blobs.errors import CustomerKeyMismatch

KEY_BYTES = 32
_BLOCK_BYTES = 16


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
    return secrets.token_hex(_BLOCK_BYTES)


def keystream(key: bytes, nonce: str, *, offset: int = 0) -> CipherContext:
    """Returns what encrypts, and decrypts, content from byte ``offset`` on."""
    blocks, rest = divmod(offset, _BLOCK_BYTES)
    counter = (int(nonce, 16) + blocks) % 2 ** (8 * _BLOCK_BYTES)
    context = Cipher(AES256(key), CTR(counter.to_bytes(_BLOCK_BYTES))).encryptor()
    context.update(bytes(rest))
    return context


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
