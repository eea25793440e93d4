"""AES-256 in counter mode: what encrypts content, and decrypts it from any byte on. Needs the package ``cryptography``."""

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

BLOCK_BYTES = 16


def make_keystream(key: bytes, nonce: str, offset: int) -> CipherContext:
    """``nonce``: 16 bytes in hex. ``offset``: the first byte of the content that is encrypted or decrypted."""
    blocks, rest = divmod(offset, BLOCK_BYTES)
    counter = (int(nonce, 16) + blocks) % 2 ** (8 * BLOCK_BYTES)
    context = Cipher(AES256(key), CTR(counter.to_bytes(BLOCK_BYTES))).encryptor()
    context.update(bytes(rest))
    return context
