"""Content that is buffered on this machine until it is whole and its checksums are verified."""

import base64
import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, BinaryIO

from naiad.service.blobs.checksums import ContentDigests, iter_chunks

_MAX_MEMORY_BYTES = 2**20


@dataclass(frozen=True)
class BufferedContent:
    file: IO[bytes]
    """Positioned at its start."""
    size: int
    etag: str
    checksums: dict[str, str]

    @property
    def content_md5(self) -> str:
        """The MD5 in base64, the value of a Content-MD5 header."""
        return base64.b64encode(bytes.fromhex(self.etag)).decode()


@contextlib.contextmanager
def buffer_content(content: Iterable[bytes] | BinaryIO, checksums: Mapping[str, str]) -> Iterator[BufferedContent]:
    """``checksums``: as for ``BlobStore.put``. Raises BadDigest."""
    digests = ContentDigests(checksums)
    with tempfile.SpooledTemporaryFile(_MAX_MEMORY_BYTES) as file:
        for chunk in iter_chunks(content):
            file.write(chunk)
            digests.update(chunk)
        verified = digests.verify()
        file.seek(0)
        yield BufferedContent(file, digests.size, digests.etag, verified)
