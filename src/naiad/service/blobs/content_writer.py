"""Writes content into a file of the store: takes its digests, and encrypts it where a customer's key is given."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from naiad.service.blobs.block_sums import BlockSums
from naiad.service.blobs.checksums import ContentDigests, iter_chunks
from naiad.service.blobs.customer_key import keystream, new_nonce
from naiad.service.blobs.files import TemporaryFile


@dataclass(frozen=True)
class WrittenContent:
    size: int
    etag: str
    """The MD5 of the content; of encrypted content one that only the key's owner can make, since an MD5 tells what it is."""
    checksums: dict[str, str]
    nonce: str | None
    """None where the content is not encrypted."""
    sums: bytes
    """The sums of the blocks as they are stored."""

    @property
    def stored_checksums(self) -> dict[str, str]:
        """The checksums that may lie beside the content."""
        return self.checksums if self.nonce is None else {}

    @property
    def pieces(self) -> list[tuple[int, str]]:
        """The pieces of an encrypted object, see ``ObjectRecord``."""
        return [] if self.nonce is None else [(self.size, self.nonce)]


def write_content(
    file: TemporaryFile, content: Iterable[bytes] | BinaryIO, checksums: Mapping[str, str], customer_key: bytes | None
) -> WrittenContent:
    """``checksums``: as for ``BlobStore.put``. Raises BadDigest."""
    digests, sums = ContentDigests(checksums), BlockSums()
    if customer_key is None:
        for chunk in iter_chunks(content):
            file.write(chunk)
            digests.update(chunk)
            sums.update(chunk)
        return WrittenContent(digests.size, digests.etag, digests.verify(), None, sums.finish())
    nonce = new_nonce()
    context = keystream(customer_key, nonce)
    for chunk in iter_chunks(content):
        digests.update(chunk)
        stored = context.update(chunk)
        file.write(stored)
        sums.update(stored)
    etag = hmac.new(customer_key, digests.etag.encode(), hashlib.sha256).hexdigest()[:32]
    return WrittenContent(digests.size, etag, digests.verify(), nonce, sums.finish())
