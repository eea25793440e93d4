"""Checksums of content as it passes: MD5 for the ETag, and S3's five by name."""

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
    def __init__(self, function: Callable[[bytes, int], int], form: str) -> None:
        self._function, self._form, self._value = function, form, 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return struct.pack(self._form, self._value)


def _md5() -> _Hash:
    return hashlib.md5(usedforsecurity=False)


def _sha1() -> _Hash:
    return hashlib.sha1(usedforsecurity=False)


_MAKERS: dict[str, Callable[[], _Hash]] = {
    "md5": _md5,
    "crc32": lambda: _Crc(crc32, ">I"),
    "crc32c": lambda: _Crc(crc32c, ">I"),
    "crc64nvme": lambda: _Crc(crc64nvme, ">Q"),
    "sha1": _sha1,
    "sha256": hashlib.sha256,
}
_COMBINERS: dict[str, tuple[Callable[[int, int, int], int], str]] = {
    "crc32": (combine_crc32, ">I"),
    "crc32c": (combine_crc32c, ">I"),
    "crc64nvme": (combine_crc64nvme, ">Q"),
}
ALGORITHMS = tuple(name for name in _MAKERS if name != "md5")


class Digests:
    """Takes content piece by piece. ``expected`` is read for its names now, and for its values in ``checked``."""

    def __init__(self, expected: Mapping[str, str]) -> None:
        unknown = set(expected) - set(_MAKERS)
        if unknown:
            raise Invalid(f"checksum algorithm {min(unknown)!r} is not one of {', '.join(_MAKERS)}")
        self._expected = expected
        self._hashes = {name: _MAKERS[name]() for name in {"md5", *expected}}
        self.size = 0

    def update(self, data: bytes) -> None:
        self.size += len(data)
        for taken in self._hashes.values():
            taken.update(data)

    @property
    def etag(self) -> str:
        return self._hashes["md5"].digest().hex()

    def checked(self) -> dict[str, str]:
        """In base64, without md5. Raises BadDigest."""
        found = {name: base64.b64encode(taken.digest()).decode() for name, taken in self._hashes.items()}
        for name, value in self._expected.items():
            if value and value != found[name]:
                raise BadDigest(f"the content's {name} is {found[name]}, and {value} was said")
        del found["md5"]
        return found


def pieces(content: Iterable[bytes] | BinaryIO) -> Iterator[bytes]:
    """A file in chunks, or the chunks themselves."""
    if hasattr(content, "read"):
        return iter(lambda: content.read(CHUNK_BYTES), b"")
    return iter(content)


def multipart_etag(etags: Sequence[str]) -> str:
    joined = b"".join(bytes.fromhex(etag) for etag in etags)
    return f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(etags)}"


def composite(algorithm: str, values: Sequence[str]) -> str:
    """The checksum of the parts' checksums."""
    taken = _MAKERS[algorithm]()
    for value in values:
        taken.update(base64.b64decode(value))
    return f"{base64.b64encode(taken.digest()).decode()}-{len(values)}"


def combined(algorithm: str, values: Sequence[tuple[str, int]]) -> str:
    """The checksum of the whole from (checksum, size) of its parts. Raises Invalid where that cannot be had."""
    if algorithm not in _COMBINERS:
        raise Invalid(
            f"a checksum of the full object is not possible with {algorithm}; use one of {', '.join(_COMBINERS)}"
        )
    combine, form = _COMBINERS[algorithm]
    whole = 0
    for value, size in values:
        whole = combine(whole, struct.unpack(form, base64.b64decode(value))[0], size)
    return base64.b64encode(struct.pack(form, whole)).decode()
