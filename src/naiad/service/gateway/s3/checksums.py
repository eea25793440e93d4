"""Checksums in headers and trailers: those that a request gives or announces, and those of a response."""

import base64
import binascii
from collections.abc import Iterator, Mapping

from naiad.service.blobs.checksums import ALGORITHMS
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.s3.errors import S3Error, invalid_argument

_PREFIX = "x-amz-checksum-"


class ExpectedChecksums(Mapping[str, str]):
    """Checksums by algorithm; "" for one that is only to be computed.

    The names are known at once, the values of those in trailers only when the body has ended. Raises S3Error for a trailer that
    was announced and is missing.
    """

    def __init__(self, in_headers: Mapping[str, str], announced: frozenset[str], trailers: Mapping[str, str]) -> None:
        self._in_headers, self._announced, self._trailers = in_headers, announced, trailers

    def __getitem__(self, name: str) -> str:
        if name not in self._announced:
            return self._in_headers[name]
        value = self._trailers.get(_PREFIX + name)
        if value is None:
            raise S3Error("MalformedTrailerError", 400, f"the trailer {_PREFIX}{name} was announced and did not come")
        return value

    def __iter__(self) -> Iterator[str]:
        return iter({*self._in_headers, *self._announced})

    def __len__(self) -> int:
        return len({*self._in_headers, *self._announced})

    def with_computed(self, name: str) -> "ExpectedChecksums":
        """Returns them with one more, which is only to be computed."""
        return ExpectedChecksums({**self._in_headers, name: ""}, self._announced, self._trailers)


def expected_checksums(request: Request, trailers: Mapping[str, str]) -> ExpectedChecksums:
    """Reads Content-MD5, x-amz-checksum-… and the trailers that x-amz-trailer announces. Raises S3Error."""
    in_headers = header_checksums(request)
    if "content-md5" in request.headers:
        in_headers["md5"] = _check_md5(request.header("content-md5"))
    names = {name.strip().lower().removeprefix(_PREFIX) for name in request.header("x-amz-trailer").split(",")}
    announced = frozenset(names & set(ALGORITHMS)) - set(in_headers)
    chosen = request.header("x-amz-sdk-checksum-algorithm").lower()
    if chosen in ALGORITHMS and chosen not in announced:
        in_headers.setdefault(chosen, "")
    return ExpectedChecksums(in_headers, announced, trailers)


def header_checksums(request: Request) -> dict[str, str]:
    """Returns the checksums in headers only, as CompleteMultipartUpload has them."""
    return {name: value for name in ALGORITHMS if (value := request.header(_PREFIX + name))}


def checksum_headers(checksums: Mapping[str, str]) -> dict[str, str]:
    if not checksums:
        return {}
    headers = {_PREFIX + name: value for name, value in checksums.items()}
    return headers | {"x-amz-checksum-type": checksum_type(checksums)}


def checksum_type(checksums: Mapping[str, str]) -> str:
    return "COMPOSITE" if any("-" in value for value in checksums.values()) else "FULL_OBJECT"


def checksum_algorithm(request: Request) -> str | None:
    """Returns the algorithm of a multipart upload. Raises S3Error for an unknown one."""
    name = request.header("x-amz-checksum-algorithm").lower()
    if name and name not in ALGORITHMS:
        raise invalid_argument(f"x-amz-checksum-algorithm {name[:20]!r} is not one of {', '.join(ALGORITHMS)}")
    return name or None


def _check_md5(value: str) -> str:
    try:
        size = len(base64.b64decode(value, validate=True))
    except binascii.Error:
        size = 0
    if size != 16:
        raise S3Error("InvalidDigest", 400, "content-md5 is not the base64 of 16 bytes")
    return value
