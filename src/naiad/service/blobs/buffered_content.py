"""Content kept on this machine until it is whole and has the checksums that were said."""

import base64
import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, BinaryIO

from naiad.service.blobs.checksums import Digests, pieces

_IN_MEMORY_BYTES = 2**20


@dataclass(frozen=True)
class Spool:
    file: IO[bytes]
    """At its start."""
    size: int
    etag: str
    checksums: dict[str, str]

    @property
    def md5(self) -> str:
        """In base64, as Content-MD5 has it."""
        return base64.b64encode(bytes.fromhex(self.etag)).decode()


@contextlib.contextmanager
def buffer_content(content: Iterable[bytes] | BinaryIO, checksums: Mapping[str, str]) -> Iterator[Spool]:
    """Raises BadDigest."""
    digests = Digests(checksums)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as file:
        for piece in pieces(content):
            file.write(piece)
            digests.update(piece)
        found = digests.checked()
        file.seek(0)
        yield Spool(file, digests.size, digests.etag, found)
