"""Checksums of content as it streams by: MD5 for the ETag, and S3's five algorithms by name."""

import base64
import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, Protocol

from awscrt.checksums import (
    combine_crc32,
    combine_crc32c,
    combine_crc64nvme,
    crc32,
    crc32c,
    crc64nvme,
)

from naiad.service.blobs.errors import BadDigest
from naiad.service.domain.errors import Invalid

CHUNK_BYTES = 2**20


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc:
    def __init__(self, function: Callable[[bytes, int], int], struct_format: str) -> None:
        self._function, self._format, self._value = function, struct_format, 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return struct.pack(self._format, self._value)


def _md5() -> _Hash:
    return hashlib.md5(usedforsecurity=False)


def _sha1() -> _Hash:
    return hashlib.sha1(usedforsecurity=False)


_HASHES: dict[str, Callable[[], _Hash]] = {
    "md5": _md5,
    "crc32": lambda: _Crc(crc32, ">I"),
    "crc32c": lambda: _Crc(crc32c, ">I"),
    "crc64nvme": lambda: _Crc(crc64nvme, ">Q"),
    "sha1": _sha1,
    "sha256": hashlib.sha256,
}
_COMBINE_FUNCTIONS: dict[str, tuple[Callable[[int, int, int], int], str]] = {
    "crc32": (combine_crc32, ">I"),
    "crc32c": (combine_crc32c, ">I"),
    "crc64nvme": (combine_crc64nvme, ">Q"),
}
ALGORITHMS = tuple(name for name in _HASHES if name != "md5")


class ContentDigests:
    """The digests of content that is given chunk by chunk.

    ``expected``: checksums by algorithm, "" for one that is only computed. Its names are read at once, its values by ``verify``.
    """

    def __init__(self, expected: Mapping[str, str]) -> None:
        unknown = set(expected) - set(_HASHES)
        if unknown:
            raise Invalid(f"checksum algorithm {min(unknown)!r} is not one of {', '.join(_HASHES)}")
        self._expected = expected
        self._hashes = {name: _HASHES[name]() for name in {"md5", *expected}}
        self.size = 0

    def update(self, chunk: bytes) -> None:
        self.size += len(chunk)
        for hash_ in self._hashes.values():
            hash_.update(chunk)

    @property
    def etag(self) -> str:
        return self._hashes["md5"].digest().hex()

    def verify(self) -> dict[str, str]:
        """Returns the checksums in base64, without md5. Raises BadDigest where one is not the expected one."""
        actual = {name: base64.b64encode(hash_.digest()).decode() for name, hash_ in self._hashes.items()}
        for name, value in self._expected.items():
            if value and value != actual[name]:
                raise BadDigest(f"the content's {name} is {actual[name]}, expected {value}")
        del actual["md5"]
        return actual


def iter_chunks(content: Iterable[bytes] | BinaryIO) -> Iterator[bytes]:
    """Yields a file's content in chunks, or the chunks themselves."""
    if hasattr(content, "read"):
        return iter(lambda: content.read(CHUNK_BYTES), b"")
    return iter(content)


def multipart_etag(etags: Sequence[str]) -> str:
    """Returns the ETag of an object from those of its parts."""
    joined = b"".join(bytes.fromhex(etag) for etag in etags)
    return f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(etags)}"


def composite_checksum(algorithm: str, checksums: Sequence[str]) -> str:
    """Returns the checksum of the parts' checksums, S3's COMPOSITE."""
    hash_ = _HASHES[algorithm]()
    for checksum in checksums:
        hash_.update(base64.b64decode(checksum))
    return f"{base64.b64encode(hash_.digest()).decode()}-{len(checksums)}"


def full_object_checksum(algorithm: str, parts: Sequence[tuple[str, int]]) -> str:
    """Returns the checksum of the content from (checksum, size) of its parts, S3's FULL_OBJECT.

    Raises Invalid for an algorithm that does not allow this.
    """
    if algorithm not in _COMBINE_FUNCTIONS:
        names = ", ".join(_COMBINE_FUNCTIONS)
        raise Invalid(f"a checksum of the full object is not possible with {algorithm}; use one of {names}")
    combine, struct_format = _COMBINE_FUNCTIONS[algorithm]
    total = 0
    for checksum, size in parts:
        total = combine(total, struct.unpack(struct_format, base64.b64decode(checksum))[0], size)
    return base64.b64encode(struct.pack(struct_format, total)).decode()
